import CoreTime

/// The world outside: what was really done.
struct FulfilmentSink {
  struct Effect {
    var order: Int
    var epoch: UInt64
    var executor: UInt16
    var attempt: Int
    var at: WorldTime
    /// False for a repeat that the target knew, or an epoch that it refused.
    var isApplied: Bool
  }

  let kind: SinkKind
  private(set) var effects: [Effect] = []
  private(set) var applied: [Int: Int] = [:]
  private(set) var refused = 0
  private var newest: [Int: UInt64] = [:]

  init(kind: SinkKind) { self.kind = kind }

  /// Whether the caller is told that the order is carried out.
  mutating func receive(order: Int, epoch: UInt64, executor: UInt16, attempt: Int, at: WorldTime) -> Bool {
    var effect = Effect(
      order: order, epoch: epoch, executor: executor, attempt: attempt, at: at, isApplied: true)
    defer { effects.append(effect) }
    switch kind {
    case .plain: break
    case .idempotent: effect.isApplied = applied[order] == nil
    case .fencing:
      if epoch < newest[order, default: 0] {
        refused += 1
        effect.isApplied = false
        return false
      }
      newest[order] = epoch
      effect.isApplied = applied[order] == nil
    }
    if effect.isApplied { applied[order, default: 0] += 1 }
    return true
  }
}
