import AsyncHTTPClient
import Foundation
import Synchronization
import Testing

extension Integration {
  /// Orders come at a steady rate while each service in turn is killed, stopped and slowed. `make chaos MINUTES=15`.
  @Suite(
    "Chaos", .timeLimit(.minutes(60)),
    .enabled(if: ProcessInfo.processInfo.environment["CHAOS_MINUTES"] != nil, "CHAOS_MINUTES is not set"))
  struct ChaosTests {
    private static func setting(_ name: String, _ fallback: Double) -> Double {
      ProcessInfo.processInfo.environment[name].flatMap { Double($0) } ?? fallback
    }
    /// Orders a second.
    private static let rate = setting("CHAOS_RATE", 10)
    private static let minutes = setting("CHAOS_MINUTES", 1)

    @Test("Whatever dies, stops or dawdles: answered in time, one final state each, carried out once")
    func everyServiceInTurn() async throws {
      let arguments = ["--restart-delay", "200ms", "--longest-restart-delay", "200ms"]
      try await Cluster.with(arguments: arguments) { cluster in
        let ledger = ChaosLedger()
        let end = ContinuousClock.now + .seconds(Self.minutes * 60)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            defer { ledger.close() }
            try await Adversary(cluster: cluster, ledger: ledger).run(until: end)
          }
          try await ChaosShop(cluster: cluster, ledger: ledger, rate: Self.rate).run()
          try await group.waitForAll()
        }
        let audit = try await ChaosAudit.of(cluster, ledger)
        print(audit.table)
        #expect(audit.complaints.isEmpty, "\(audit.complaints.joined(separator: "\n"))")
        #expect(audit.accepted > 0 && audit.executed > 0, "there was something to see")
      }
    }
  }
}

/// Who comes and orders: at a steady rate, however long the answers take. A request that is cut off, or refused for
/// now, is repeated under its key.
struct ChaosShop: Sendable {
  /// An order is decided after 2 s at the latest (`orchestrator.order-deadline`); the rest is for a busy machine.
  static let deadline = Duration.seconds(3)
  /// A client's patience with one attempt. Longer than any fault but the orchestrator's own lasts.
  private static let patience = Duration.seconds(8)
  /// Orders under way, at most: beyond it the rate is not kept, which the table tells.
  private static let limit = 400

  let cluster: Cluster
  let ledger: ChaosLedger
  let rate: Double

  func run() async throws {
    let start = ContinuousClock.now
    var number = 0
    try await withThrowingTaskGroup(of: Void.self) { group in
      while !ledger.isClosed {
        number += 1
        let own = number
        group.addTask { try await order(own) }
        if number > Self.limit { try await group.next() }
        // Its own time, so that a late one is made up for.
        try await Task.sleep(until: start + .seconds(Double(number) / rate), clock: .continuous)
      }
      try await group.waitForAll()
    }
  }

  private func order(_ number: Int) async throws {
    let body = Customers.order(number)
    while true {
      let began = ContinuousClock.now
      do {
        let (status, answer) = try await cluster.request(
          .post, "/v1/orders",
          headers: [("Content-Type", "application/json"), ("Idempotency-Key", "chaos-\(number)")], body: body,
          patience: Self.patience)
        ledger.answered(began, ContinuousClock.now, status)
        if status == 201 {
          return ledger.decided(number, try JSONDecoder().decode(OrderView.self, from: answer))
        }
        guard status == 503 || status == 408 || status == 202 else {
          throw IntegrationError("order \(number): \(status) \(String(decoding: answer, as: UTF8.self))")
        }
      } catch let error as IntegrationError {
        throw error
      } catch {
        // What a client sees of an orchestrator that dies or stands still.
        ledger.cutOff(began, ContinuousClock.now, "\(error)")
      }
      // A pause of the client's, before it repeats.
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

/// What was done, and what came of it.
final class ChaosLedger: Sendable {
  struct Fault: Sendable {
    let role: String
    let kind: String
    let start: ContinuousClock.Instant
    /// The role is as before again; nil while it is not.
    var end: ContinuousClock.Instant?
  }

  struct Attempt: Sendable {
    let start: ContinuousClock.Instant
    let end: ContinuousClock.Instant
    /// Of the answer; nil where there was none.
    let status: Int?
    let error: String?
  }

  struct State {
    var isClosed = false
    var faults: [Fault] = []
    var attempts: [Attempt] = []
    /// By number: every order that an answer named, with its decision.
    var orders: [Int: [OrderView]] = [:]
  }

  let state = Mutex(State())

  var isClosed: Bool { state.withLock { $0.isClosed } }
  func close() { state.withLock { $0.isClosed = true } }

  func begin(_ role: String, _ kind: String) {
    state.withLock { $0.faults.append(Fault(role: role, kind: kind, start: .now)) }
  }

  func endLast() { state.withLock { $0.faults[$0.faults.count - 1].end = .now } }

  func answered(_ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant, _ status: Int) {
    state.withLock { $0.attempts.append(Attempt(start: start, end: end, status: status, error: nil)) }
  }

  func cutOff(_ start: ContinuousClock.Instant, _ end: ContinuousClock.Instant, _ error: String) {
    state.withLock { $0.attempts.append(Attempt(start: start, end: end, status: nil, error: error)) }
  }

  func decided(_ number: Int, _ order: OrderView) {
    state.withLock { $0.orders[number, default: []].append(order) }
  }
}

/// Kills, stops and slows one role after the other, with a rest in between.
struct Adversary: Sendable {
  private static let rest = Duration.seconds(2)
  private static let stop = Duration.seconds(3)
  private static let slowness = Duration.seconds(5)
  private static let roles = [
    "transaction-verification", "fraud-detection", "suggestions", "order-queue", "executor-3", "executor-2",
    "executor-1", "orchestrator",
  ]

  let cluster: Cluster
  let ledger: ChaosLedger

  func run(until end: ContinuousClock.Instant) async throws {
    while true {
      for kind in ["killed", "stopped", "slowed"] {
        for role in Self.roles {
          guard ContinuousClock.now < end else { return }
          try await Task.sleep(for: Self.rest)
          ledger.begin(role, kind)
          switch kind {
          case "killed": try await kill(role)
          case "stopped": try await stop(role)
          default: try await slow(role)
          }
          ledger.endLast()
        }
      }
    }
  }

  private func kill(_ role: String) async throws {
    let killed = try cluster.signal(role, SIGKILL)
    try await eventually("\(role) is back", within: .seconds(30)) {
      guard let report = try cluster.report()?.roles[role] else { return false }
      return report.ready && report.pid != killed
    }
  }

  /// Stands still; its connections stay open.
  private func stop(_ role: String) async throws {
    let pid = try cluster.signal(role, SIGSTOP)
    defer { _ = Glibc.kill(pid, SIGCONT) }
    try await Task.sleep(for: Self.stop)
  }

  /// Runs for 15 ms of every 60.
  private func slow(_ role: String) async throws {
    let pid = try cluster.pid(of: role)
    defer { _ = Glibc.kill(pid, SIGCONT) }
    let end = ContinuousClock.now + Self.slowness
    while ContinuousClock.now < end {
      _ = Glibc.kill(pid, SIGSTOP)
      try await Task.sleep(for: .milliseconds(45))
      _ = Glibc.kill(pid, SIGCONT)
      try await Task.sleep(for: .milliseconds(15))
    }
  }
}
