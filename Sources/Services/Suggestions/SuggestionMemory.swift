import CoreTime
import DaemonKit
import GRPCSupport
import Metrics
import OrderDomain
import OrderProtos
import OrderWire
import SuggestionModel
import Synchronization

/// What the role knows: the model, and how far along the queue's outcomes it was learned. Both change in
/// one step and are stored together, which is what makes each executed order count once.
final class SuggestionMemory: CheckProvider {
  /// What is stored.
  struct Learned: Sendable {
    var snapshot: SuggestionSnapshot
    /// The last sequence of the queue's outcomes that is in it.
    var cursor: UInt64 = 0
    /// Executed orders that are in it.
    var orders: UInt64 = 0
    /// Outcomes that the queue had forgotten before they were learned.
    var missed: UInt64 = 0
  }

  private struct State {
    var model: SuggestionModel
    var cursor: UInt64 = 0
    var orders: UInt64 = 0
    var missed: UInt64 = 0
    /// Cursor of the snapshot on disk.
    var savedCursor: UInt64 = 0
    var savedAt: Timestamp?
    /// Why learning stands still, or would be lost; by what it concerns.
    var troubles: [Trouble: String] = [:]
  }

  enum Trouble: String, CaseIterable { case queue, snapshot }

  private let catalog: Catalog
  private let tuning: SuggestionModel.Tuning
  private let limit: Int
  private let clocks: Clocks
  private let titles: [String: String]
  private let state: Mutex<State>
  private let meters = SuggestionMeters()

  /// Empty. `limit`: most suggestions of one answer.
  init(catalog: Catalog, tuning: SuggestionModel.Tuning, limit: Int, clocks: Clocks) {
    self.catalog = catalog
    self.tuning = tuning
    self.limit = limit
    self.clocks = clocks
    titles = catalog.itemsBySKU().mapValues(\.title)
    state = Mutex(State(model: SuggestionModel(catalog: catalog, tuning: tuning)))
  }

  func verdict(on event: String, of check: CheckInput) -> EventVerdict {
    let cart = check.order.items.map(\.sku)
    let suggestions = state.withLock { $0.model.suggest(for: cart, limit: limit) }
    return EventVerdict(
      passed: true,
      suggestions: suggestions.map {
        SuggestedItem(sku: $0.sku, title: titles[$0.sku] ?? $0.sku, score: $0.score)
      })
  }

  // MARK: - Learning

  var cursor: UInt64 { state.withLock { $0.cursor } }

  /// Takes over what became of orders. What was taken over before changes nothing.
  func learn(_ outcomes: [Ordersd_V1_Outcome]) {
    // A wrong clock in the future would make everything before it count for nothing.
    let now = clocks.wall()
    let learned = state.withLock { state in
      let before = state.orders
      for outcome in outcomes where outcome.sequence > state.cursor {
        state.cursor = outcome.sequence
        // Orders without a basket were enqueued by another version, or another producer.
        guard outcome.kind == .executed, !outcome.basket.items.isEmpty else { continue }
        state.orders += 1
        state.model.learn(
          basket: outcome.basket.items.map(\.sku), at: min(Timestamp(milliseconds: outcome.atMs), now))
      }
      return (new: state.orders - before, all: state.orders)
    }
    meters.learned(learned.new, all: learned.all)
  }

  /// Goes on after `cursor`; `missed` outcomes before it can't be had any more.
  func skip(to cursor: UInt64, missed: UInt64) {
    state.withLock { state in
      state.cursor = cursor
      state.missed += missed
    }
    meters.missed(missed)
  }

  // MARK: - Storing

  /// What is to be stored; nil when it is on disk already.
  func unsaved() -> Learned? {
    let found = state.withLock { state -> (State)? in state.cursor == state.savedCursor ? nil : state }
    // Out of the lock: the copy of the model costs nothing, the snapshot does.
    return found.map { state in
      Learned(
        snapshot: state.model.snapshot, cursor: state.cursor, orders: state.orders, missed: state.missed)
    }
  }

  /// It is on disk since `time`.
  func saved(_ cursor: UInt64, at time: Timestamp) {
    state.withLock { state in
      state.savedCursor = cursor
      state.savedAt = time
    }
    meters.saved(at: time)
  }

  /// Goes on from what was stored at `time`.
  func restore(_ learned: Learned, at time: Timestamp) {
    let model = SuggestionModel(catalog: catalog, tuning: tuning, snapshot: learned.snapshot)
    state.withLock { state in
      state.model = model
      (state.cursor, state.orders, state.missed) = (learned.cursor, learned.orders, learned.missed)
    }
    meters.learned(0, all: learned.orders)
    saved(learned.cursor, at: time)
  }

  // MARK: - Telling

  /// Nil = it is over. True when that is news.
  @discardableResult
  func note(_ trouble: Trouble, _ reason: String?) -> Bool {
    let (isNew, isDegraded) = state.withLock { state in
      let isNew = (state.troubles[trouble] == nil) != (reason == nil)
      state.troubles[trouble] = reason
      return (isNew, !state.troubles.isEmpty)
    }
    meters.degraded(isDegraded)
    return isNew
  }

  /// Adds to what the host says of the checks.
  func report(onto checks: RoleReport) -> RoleReport {
    let now = clocks.wall()
    return state.withLock { state in
      var report = checks
      report.summary += ", \(state.orders) executed orders learned"
      let troubles = Trouble.allCases.compactMap { state.troubles[$0] }
      if !troubles.isEmpty { report.summary += ", degraded: \(troubles.joined(separator: "; "))" }
      report.details["learnedOrders"] = StatusValue(state.orders)
      report.details["knownItems"] = StatusValue(state.model.knownItems)
      report.details["outcomeCursor"] = StatusValue(state.cursor)
      report.details["outcomesMissed"] = StatusValue(state.missed)
      report.details["degraded"] = .list(troubles.map(StatusValue.text))
      if let savedAt = state.savedAt {
        report.details["snapshotAgeSeconds"] = StatusValue((now - savedAt).components.seconds)
      }
      return report
    }
  }
}

/// What the role says about itself to Prometheus (docs/SUGGESTIONS.md).
private struct SuggestionMeters {
  private let learnedHere = Counter(label: "ordersd_suggestions_learned_total")
  private let orders = Gauge(label: "ordersd_suggestions_learned_orders")
  private let missedOutcomes = Counter(label: "ordersd_suggestions_missed_outcomes_total")
  private let snapshotTime = Gauge(label: "ordersd_suggestions_snapshot_timestamp_seconds")
  private let isDegraded = Gauge(label: "ordersd_suggestions_degraded")

  init() { isDegraded.record(0) }

  func learned(_ count: UInt64, all: UInt64) {
    learnedHere.increment(by: Int64(clamping: count))
    orders.record(Double(all))
  }
  func missed(_ count: UInt64) { missedOutcomes.increment(by: Int64(clamping: count)) }
  func saved(at time: Timestamp) { snapshotTime.record(Double(time.milliseconds) / 1_000) }
  func degraded(_ isTrue: Bool) { isDegraded.record(isTrue ? 1 : 0) }
}
