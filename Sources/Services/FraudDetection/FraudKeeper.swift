import CoreTime
import DaemonKit
import JournalLog
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Keeps the rules and the snapshot up to date: looks at the files of the policy, and writes what is remembered to
/// disk. One loop does both.
final class FraudKeeper: Service {
  struct State: Sendable {
    /// Why files that have changed are not in force; the policy before them still is.
    var refusal: String?
    var rulesReadAt: Timestamp
    var snapshotAt: Timestamp?
    var snapshotProblem: String?
  }

  private let checks: FraudChecks
  private let files: PolicyFiles
  private let snapshot: MemorySnapshot
  private let configuration: FraudDetectionConfiguration
  private let context: DaemonContext
  private let thread = FileThread("fraud-memory")
  private let state: Mutex<State>
  /// The files as they were when they were read last.
  private let known: Mutex<[FileIdentity?]>
  /// `FraudChecks.remembered.changes` of the last snapshot.
  private let saved = Mutex<UInt64>(0)

  /// `identities`: of the files, from before they were read for `checks`.
  init(
    checks: FraudChecks, snapshot: MemorySnapshot, configuration: FraudDetectionConfiguration,
    identities: [FileIdentity?], context: DaemonContext
  ) {
    self.checks = checks
    self.snapshot = snapshot
    self.configuration = configuration
    files = configuration.files
    known = Mutex(identities)
    self.context = context
    state = Mutex(State(rulesReadAt: context.clocks.wall()))
  }

  var current: State { state.withLock { $0 } }

  func run() async throws {
    let heartbeat = context.heartbeats.register(
      "fraud-keeper",
      longestSilence: pause + .seconds(20))
    defer { heartbeat.retire() }
    await cancelWhenGracefulShutdown { await self.turn(heartbeat) }
    await thread.run { self.save() }
  }

  /// Between two turns: never so long that the watchdog learns late of a loop that has ended.
  private var pause: Duration {
    min(configuration.reloadInterval, configuration.snapshotInterval, .seconds(5))
  }

  /// Until it is cancelled.
  private func turn(_ heartbeat: Heartbeat) async {
    var nextReload = context.clocks.now() + configuration.reloadInterval
    var nextSnapshot = context.clocks.now() + configuration.snapshotInterval
    while !Task.isCancelled {
      await heartbeat.turn()
      do { try await Task.sleep(for: pause) } catch { return }
      let now = context.clocks.now()
      if now >= nextReload {
        reloadIfChanged()
        nextReload = now + configuration.reloadInterval
      }
      if now >= nextSnapshot {
        await thread.run { self.save() }
        nextSnapshot = now + configuration.snapshotInterval
      }
    }
  }

  /// Puts changed files in force, or says why not and leaves everything as it is.
  func reloadIfChanged() {
    if noteFiles() { read() }
  }

  /// The same at once, for `systemctl reload`, also when no file has changed. Returns whether one has; throws
  /// what is wrong with them.
  func reload() throws -> Bool {
    let isNews = noteFiles()
    if let refusal = read() { throw ConfigurationError([refusal]) }
    return isNews
  }

  /// Whether a file has changed since this was asked last.
  private func noteFiles() -> Bool {
    let identities = files.identities()
    return known.withLock { known in
      defer { known = identities }
      return known != identities
    }
  }

  /// Returns why the files are refused.
  @discardableResult
  private func read() -> String? {
    do {
      checks.adopt(try files.policy())
      state.withLock { state in
        state.refusal = nil
        state.rulesReadAt = context.clocks.wall()
      }
      Counter(label: "ordersd_fraud_rules_reloads_total", dimensions: [("outcome", "adopted")]).increment()
      context.logger.tell(
        CheckEvent.rulesAdopted, metadata: ["files": "\(files.paths.joined(separator: ", "))"])
      return nil
    } catch {
      let reason = "\(error)".split(separator: "\n").joined(separator: "; ")
      state.withLock { $0.refusal = reason }
      Counter(label: "ordersd_fraud_rules_reloads_total", dimensions: [("outcome", "refused")]).increment()
      context.logger.tell(CheckEvent.rulesRefused, metadata: ["reason": "\(reason)"])
      return reason
    }
  }

  /// Writes the snapshot if there is anything new.
  func save() {
    let (memory, changes) = checks.remembered
    guard changes != saved.withLock({ $0 }) else { return }
    let now = context.clocks.wall()
    do {
      try snapshot.write(memory, now: now)
      saved.withLock { $0 = changes }
      state.withLock { state in
        state.snapshotAt = now
        state.snapshotProblem = nil
      }
    } catch {
      let isNew = state.withLock { state in
        defer { state.snapshotProblem = "\(error)" }
        return state.snapshotProblem == nil
      }
      // Once, not every time: a full disk stays full for a while.
      if isNew {
        context.logger.tell(
          CheckEvent.memoryUnwritable, metadata: ["reason": "\(error)"]
        )
      }
    }
  }
}
