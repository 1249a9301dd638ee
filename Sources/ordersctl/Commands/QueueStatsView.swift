import OrderProtos

/// What `ordersctl queue stats` shows.
extension Ordersd_V1_StatsReply {
  private var counts: [(label: String, value: UInt64)] {
    [
      ("enqueued", enqueued), ("ready", ready), ("leased", leased), ("delayed", delayed), ("buried", buried),
      ("done", done), ("cancelled", cancelled), ("expired", expired), ("fenced", fenced),
      ("capacity", capacity),
    ]
  }

  var lines: [String] {
    let width = 14
    func line(_ label: String, _ value: String) -> String {
      label + String(repeating: " ", count: max(1, width - label.count)) + value
    }
    var lines = counts.map { line($0.label, "\($0.value)") }
    lines.append(line("intake", draining ? "draining" : "open"))
    lines.append(line("deliveries", paused ? "paused" : "running"))
    for lane in lanes {
      let holder = lane.holder.isEmpty ? "held by nobody" : "held by \(lane.holder)"
      lines.append(line("lane", "\(lane.lane): \(holder), epoch \(lane.epoch), \(lane.claims) claims"))
    }
    if leased > 0 {
      lines.append(line("leases", "held for \(leaseAges.summary("ms")), longest \(oldestLeaseMs) ms"))
    }
    lines.append(line("redelivered", Self.list(redeliveries)))
    lines.append(line("dead letters", Self.list(deadLetters)))
    lines.append(line("starved", "\(starved) leased late, \(promoted) steps up by ageing"))
    lines.append(line("batches", "\(batchChanges.total) commits of \(batchChanges.summary("changes"))"))
    lines.append(line("commits", "take \(commitMs.summary("ms"))"))
    return lines
  }

  var json: JSONValue {
    var members: [String: JSONValue] = ["paused": .boolean(paused), "draining": .boolean(draining)]
    for (label, value) in counts { members[label] = .init(value) }
    members["redelivered"] = .init(redelivered)
    members["oldestLeaseMs"] = .init(oldestLeaseMs)
    members["leaseAgesMs"] = leaseAges.json
    members["redeliveries"] = .object(redeliveries.mapValues { .init($0) })
    members["deadLetters"] = .object(deadLetters.mapValues { .init($0) })
    members["starved"] = .init(starved)
    members["promoted"] = .init(promoted)
    members["batchChanges"] = batchChanges.json
    members["commitMs"] = commitMs.json
    members["priorities"] = .list(
      priorities.map { entry in
        .object([
          "priority": .init(entry.priority), "ready": .init(entry.ready),
          "oldestReadyMs": .init(entry.oldestReadyMs),
        ])
      })
    members["lanes"] = .list(
      lanes.map { lane in
        .object([
          "lane": .text(lane.lane), "epoch": .init(lane.epoch), "term": .init(lane.term),
          "claims": .init(lane.claims),
          "holder": lane.holder.isEmpty ? .null : .text(lane.holder),
        ])
      })
    return .object(members)
  }

  /// `0`, or what there is by its name.
  private static func list(_ counts: [String: UInt64]) -> String {
    let some = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
    return some.isEmpty ? "0" : some.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }
}

extension Ordersd_V1_Histogram {
  var total: UInt64 { counts.reduce(0, +) }

  /// The bound that so much of the values does not exceed; nil when there are none, infinite above the last bound.
  func quantile(_ share: Double) -> Double? {
    guard total > 0 else { return nil }
    let rank = max(1, UInt64((share * Double(total)).rounded(.up)))
    var seen: UInt64 = 0
    for (bound, count) in zip(bounds, counts) {
      seen += count
      if seen >= rank { return bound }
    }
    return .infinity
  }

  /// `at most 2 ms for half, 10 ms for 99 %`.
  func summary(_ unit: String) -> String {
    func text(_ value: Double) -> String {
      if value == .infinity { return "more than \(bounds.last ?? 0) \(unit)" }
      return value == value.rounded() ? "\(Int(value)) \(unit)" : "\(value) \(unit)"
    }
    guard let half = quantile(0.5), let most = quantile(0.99) else { return "none yet" }
    return "at most \(text(half)) for half, \(text(most)) for 99 %"
  }

  var json: JSONValue {
    let buckets = zip(bounds.map { JSONValue.number($0) } + [.null], counts).map { bound, count in
      JSONValue.object(["upTo": bound, "count": .init(count)])
    }
    return .object(["buckets": .list(buckets), "sum": .number(sum), "count": .init(total)])
  }
}
