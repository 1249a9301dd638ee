import Foundation

/// ordersd's three executors. An effect is a line "Order carried out." under an epoch later than any before.
final class Executors: Contender {
  let name = "ordersd"
  /// Executions of an order that had been carried out before.
  private(set) var repeated = 0
  /// From the last effect under the old leader to the first of executor 3, when it comes back and takes
  /// over politely.
  private(set) var returns: [Duration] = []
  private(set) var repeatedInReturns = 0

  private struct Effect {
    let at: WallSeconds
    let executor: Int
    let epoch: UInt64
    let order: String
  }

  private let lab: Lab
  private var tails: [(executor: Int, tail: LineTail)]
  private var done: Set<String> = []
  private var last: Effect?
  /// Of the latest epoch; and the last effect before it.
  private var first: Effect?
  private var before: Effect?
  private var isReturning = false

  init(_ lab: Lab) throws {
    self.lab = lab
    tails = Lab.executors.map { ($0, LineTail(lab.log("executor-\($0)"))) }
    // What was repeated before belongs to another measurement.
    try look()
    repeated = 0
  }

  func settle() throws {
    try eventually("executor-3 leads", within: .seconds(30), every: .milliseconds(20)) {
      try look()
      return last?.executor == 3 && first?.executor == 3
    }
    if isReturning, let before, let first { returns.append(.seconds(first.at - before.at)) }
    isReturning = false
  }

  func hit(_ fault: Fault) throws {
    switch fault {
    case .kill: try lab.signal("executor-3", SIGKILL)
    case .stop: try lab.signal("executor-3", SIGSTOP)
    case .terminate: try lab.signal("executor-3", SIGTERM)
    case .partition: break
    }
  }

  func takeover(after fault: WallSeconds) throws -> WallSeconds {
    var at: WallSeconds = 0
    try eventually("another executor acts", within: .seconds(30), every: .milliseconds(20)) {
      try look()
      guard let first, first.executor != 3, first.at >= fault else { return false }
      at = first.at
      return true
    }
    return at
  }

  func heal(_ fault: Fault) throws {
    isReturning = true
    switch fault {
    case .kill, .terminate:
      try lab.process("executor-3")?.waitUntilOver()
      try lab.startExecutor(3)
    case .stop: try lab.signal("executor-3", SIGCONT)
    case .partition: break
    }
  }

  private func look() throws {
    var effects: [Effect] = []
    for place in tails.indices {
      for line in try tails[place].tail.next() {
        // Most lines are others, and JSON is slow to read.
        guard line.range(of: Data("carried out".utf8)) != nil, let entry = LogLine(line),
          let epoch = entry.number("epoch"), let order = entry.fields["order_id"]
        else { continue }
        effects.append(Effect(at: entry.at, executor: tails[place].executor, epoch: epoch, order: order))
      }
    }
    for effect in effects.sorted(by: { $0.at < $1.at }) {
      if !done.insert(effect.order).inserted {
        if isReturning { repeatedInReturns += 1 } else { repeated += 1 }
      }
      if effect.epoch > first?.epoch ?? 0 {
        before = last
        first = effect
      }
      last = effect
    }
  }
}
