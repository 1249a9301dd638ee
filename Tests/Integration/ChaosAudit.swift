import Foundation
import Synchronization

/// What a chaos run came to: a table of counts, and what must not be.
struct ChaosAudit {
  private static let finals: Set<String> = ["executed", "rejected", "cancelled", "expired", "failed"]

  private(set) var table = ""
  /// Empty = every promise was kept.
  private(set) var complaints: [String] = []
  private(set) var accepted = 0
  private(set) var executed = 0

  /// Waits until every order is settled, and looks at each.
  static func of(_ cluster: Cluster, _ ledger: ChaosLedger) async throws -> ChaosAudit {
    let state = ledger.state.withLock { $0 }
    var audit = ChaosAudit()
    var ids: [String] = []
    for (number, answers) in state.orders.sorted(by: { $0.key < $1.key }) {
      let named = Set(answers.map(\.orderId))
      if named.count != 1 { audit.complaints.append("order \(number) is \(named.count) orders: \(named)") }
      ids += named
    }
    if Set(ids).count != ids.count { audit.complaints.append("an order belongs to two keys") }
    try await eventually("every order is settled", within: .seconds(300)) {
      let orders = try await cluster.get("/v1/status", as: StatusView.self).orders
      return orders.allSatisfy { finals.contains($0.key) || $0.value == 0 }
    }
    let histories = try await histories(of: ids, in: cluster)
    try audit.check(histories, try cluster.executions())
    audit.time(state)
    audit.write(state, histories, orders: try await cluster.get("/v1/status", as: StatusView.self).orders)
    return audit
  }

  /// The states that each order took.
  private static func histories(of ids: [String], in cluster: Cluster) async throws -> [String: [String]] {
    try await withThrowingTaskGroup(of: (String, [String]).self) { group in
      var histories: [String: [String]] = [:]
      for (index, id) in ids.enumerated() {
        if index >= 8, let (id, states) = try await group.next() { histories[id] = states }
        group.addTask {
          let timeline = try await cluster.get("/v1/orders/\(id)/events", as: TimelineView.self)
          return (id, timeline.entries.filter { $0.event == nil }.map(\.state))
        }
      }
      for try await (id, states) in group { histories[id] = states }
      return histories
    }
  }

  private mutating func check(_ histories: [String: [String]], _ executions: [String: Int]) throws {
    accepted = histories.count
    for (id, states) in histories {
      let ends = states.filter(Self.finals.contains)
      if ends.count != 1 || ends.last != states.last {
        complaints.append("order \(id) went through \(states)")
      }
      let times = executions[id] ?? 0
      if states.last == "executed" { executed += 1 }
      if times != (states.last == "executed" ? 1 : 0) {
        complaints.append("order \(id), \(states.last ?? "nowhere"), was carried out \(times) times")
      }
    }
    for id in executions.keys where histories[id] == nil {
      complaints.append("order \(id) was carried out, and no client knows of it")
    }
  }

  /// Every request that no fault of the orchestrator itself touched must be answered in time.
  private mutating func time(_ state: ChaosLedger.State) {
    let own = state.faults.filter { $0.role == "orchestrator" }
    for attempt in state.attempts {
      let isTouched = own.contains { fault in
        // After it, connections have still to come back.
        attempt.end >= fault.start && attempt.start <= (fault.end ?? attempt.end) + .seconds(1)
      }
      guard !isTouched else { continue }
      if attempt.status == nil {
        complaints.append("a request was cut off while the orchestrator ran: \(attempt.error ?? "")")
      } else if attempt.end - attempt.start > ChaosShop.deadline {
        complaints.append("a request took \(attempt.end - attempt.start)")
      }
    }
  }

  private mutating func write(
    _ state: ChaosLedger.State, _ histories: [String: [String]], orders: [String: Int]
  ) {
    func cell(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    var lines = [cell("role", 26) + "killed  stopped  slowed"]
    for role in Set(state.faults.map(\.role)).sorted() {
      let counts = ["killed", "stopped", "slowed"].map { kind in
        String(state.faults.count { $0.role == role && $0.kind == kind })
      }
      lines.append(cell(role, 26) + cell(counts[0], 8) + cell(counts[1], 9) + counts[2])
    }
    let answered = state.attempts.filter { $0.status != nil }
    let times = answered.map { $0.end - $0.start }.sorted()
    let unavailable = state.orders.values.count { $0.last?.rejection?.retryable == true }
    lines.append("")
    let rows: [(String, Int)] = [
      ("orders asked for", state.orders.count), ("requests", state.attempts.count),
      ("  answered", answered.count),
      ("  answered 'not now' (503), and repeated", answered.count { $0.status == 503 }),
      ("  cut off by the orchestrator, and repeated", state.attempts.count - answered.count),
      ("orders accepted", accepted), ("  executed", histories.values.count { $0.last == "executed" }),
      ("  rejected", histories.values.count { $0.last == "rejected" }),
      ("    because a service was out of reach", unavailable),
      (
        "  in another final state",
        histories.values.count { !["executed", "rejected"].contains($0.last ?? "") }
      ),
      ("complaints", complaints.count),
    ]
    lines += rows.map { cell($0.0, 46) + "\($0.1)" }
    if let longest = times.last {
      let (median, late) = (times[times.count / 2], times[times.count * 99 / 100])
      lines.append("answers: median \(median), 99 % \(late), longest \(longest)")
    }
    let states = orders.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    lines.append("orders by state: " + states.joined(separator: ", "))
    table = lines.joined(separator: "\n")
  }
}
