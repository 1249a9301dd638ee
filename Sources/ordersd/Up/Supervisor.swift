import CoreTime
import DaemonKit
import UnixSignals

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The shell around one `ChildSupervision` machine per role: starts the roles in the order of their dependencies, keeps
/// them alive, and stops them in reverse.
actor Supervisor {
  /// What ended it.
  enum Outcome {
    case stopped
    /// A role that cannot run: its name and why.
    case failed(name: String, ChildSupervision.GiveUp)
  }

  /// How often time is looked at. Fine enough for the shortest backoff.
  private static let tick: Duration = .milliseconds(50)

  private let stages: [[ChildSpecification]]
  private let launcher: ChildLauncher
  private let console: Console
  private let clocks: Clocks
  /// Hears of every change: pid and readiness by role.
  private let changed: @Sendable ([String: ChildSupervision]) -> Void
  private let runtimeFolder: String
  private var machines: [String: ChildSupervision] = [:]
  private var runs: [String: Int] = [:]
  private let recent: [String: RecentLines]
  private let spawns: [String: (stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation)]
  private var failure: (name: String, reason: ChildSupervision.GiveUp)?
  private var stopRequests = 0
  private var waiter: (condition: () -> Bool, continuation: CheckedContinuation<Void, Never>)?

  /// `stages`: each starts when the one before is ready. `runtimeFolder`: private, for the notification sockets.
  init(
    stages: [[ChildSpecification]], launcher: ChildLauncher, console: Console, clocks: Clocks,
    runtimeFolder: String,
    limits: ChildSupervision.Limits, changed: @escaping @Sendable ([String: ChildSupervision]) -> Void
  ) {
    self.stages = stages
    self.launcher = launcher
    self.console = console
    self.clocks = clocks
    self.runtimeFolder = runtimeFolder
    self.changed = changed
    let names = stages.joined().map(\.name)
    let supervisions = stages.joined().map { child in
      var own = limits
      own.restart = child.restartDelay
      return (child.name, ChildSupervision(limits: own))
    }
    machines = Dictionary(uniqueKeysWithValues: supervisions)
    recent = Dictionary(uniqueKeysWithValues: names.map { ($0, RecentLines()) })
    spawns = Dictionary(
      uniqueKeysWithValues: names.map { ($0, AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))) })
  }

  /// Runs until a signal asks to stop, or a role gives up. `whenReady` is called once, when all roles answer.
  func run(whenReady: @Sendable () -> Void) async -> Outcome {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    await withTaskGroup(of: Void.self) { group in
      for child in stages.joined() { group.addTask { await self.keepRunning(child) } }
      group.addTask {
        while !Task.isCancelled {
          await self.stepAll(.tick)
          try? await Task.sleep(for: Self.tick)
        }
      }
      group.addTask { for await _ in signals { await self.requestStop() } }
      await operate(whenReady)
      group.cancelAll()
    }
    return failure.map { .failed(name: $0.name, $0.reason) } ?? .stopped
  }

  /// The last lines that a role wrote.
  func lastLines(of name: String) -> [String] { recent[name]?.all() ?? [] }

  private func operate(_ whenReady: @Sendable () -> Void) async {
    for stage in stages {
      for child in stage { step(child.name, .launch) }
      await wait {
        stage.allSatisfy { self.machines[$0.name]?.isReady == true }
      }
      if mustStop { break }
    }
    if !mustStop {
      whenReady()
      await wait { false }
    }
    if failure == nil { console.plain("Stopping.") }
    for stage in stages.reversed() {
      for child in stage.reversed() { step(child.name, .stop) }
      await waitForEnd(of: stage)
    }
  }

  private var mustStop: Bool { failure != nil || stopRequests > 0 }

  /// Waits for `condition`, for a failure, or for a request to stop.
  private func wait(for condition: @escaping () -> Bool) async {
    await suspend { self.mustStop || condition() }
  }

  private func waitForEnd(of stage: [ChildSpecification]) async {
    await suspend { stage.allSatisfy { self.machines[$0.name]?.isGone != false } }
  }

  private func suspend(until condition: @escaping () -> Bool) async {
    if condition() { return }
    await withCheckedContinuation { continuation in waiter = (condition, continuation) }
  }

  private func requestStop() {
    stopRequests += 1
    // Asked twice: no more patience.
    if stopRequests > 1 { stepAll(.kill) }
    resumeWaiter()
  }

  private func resumeWaiter() {
    guard let waiter, waiter.condition() else { return }
    self.waiter = nil
    waiter.continuation.resume()
  }

  private func stepAll(_ input: ChildSupervision.Input) {
    for name in machines.keys { step(name, input) }
  }

  private func step(_ name: String, _ input: ChildSupervision.Input) {
    guard var machine = machines[name] else { return }
    let (state, report) = (machine.state, Visible(machine))
    let effects = machine.step(input, now: clocks.now())
    machines[name] = machine
    for effect in effects { perform(effect, of: name) }
    if Visible(machine) != report { changed(machines) }
    if machine.state != state || failure != nil { resumeWaiter() }
  }

  private func perform(_ effect: ChildSupervision.Effect, of name: String) {
    switch effect {
    case .spawn: spawns[name]?.continuation.yield()
    case .signal(let pid, let signal): kill(pid, signal)
    case .becameReady(let pid, let after):
      let endpoint = stages.joined().first { $0.name == name }.map { ", \($0.server)" } ?? ""
      console.success("\(name) ready in \(seconds(after)) (pid \(pid)\(endpoint))")
    case .unresponsive(let silence):
      console.notice("\(name) has been silent for \(seconds(silence)); it is stopped and started again")
    case .died(let reason, let delay):
      console.notice("\(name) \(reason); starts again in \(seconds(delay))")
    case .gaveUp(let reason): if failure == nil { failure = (name, reason) }
    }
  }

  /// Runs the child each time its machine asks for it, one run after the other.
  private func keepRunning(_ child: ChildSpecification) async {
    guard let spawns = spawns[child.name]?.stream else { return }
    for await _ in spawns {
      let reason = await runOnce(child)
      step(child.name, .exited(reason))
    }
  }

  private func runOnce(_ child: ChildSpecification) async -> ExitReason {
    runs[child.name, default: 0] += 1
    let path = "\(runtimeFolder)/\(child.name).\(runs[child.name] ?? 0)"
    let socket: NotifySocket
    do {
      socket = try NotifySocket(path: path)
    } catch {
      return .notStarted("\(error)")
    }
    guard let recent = recent[child.name] else { return .notStarted("unknown role") }
    return await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for await message in socket.messages { await self.step(child.name, .notified(message)) }
      }
      let reason = await launcher.run(child, notifySocket: path, recent: recent) { pid in
        await self.step(child.name, .started(pid: pid))
      }
      socket.end()
      await group.waitForAll()
      return reason
    }
  }
}

/// What `up.json` shows of a machine.
private struct Visible: Equatable {
  let pid: Int32?
  let isReady: Bool

  init(_ machine: ChildSupervision) {
    pid = machine.pid
    isReady = machine.isReady
  }
}

/// `0.12 s`
func seconds(_ duration: Duration) -> String {
  let centiseconds = (duration.nanosecondsClamped + 5_000_000) / 10_000_000
  let fraction = centiseconds % 100
  return "\(centiseconds / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
}
