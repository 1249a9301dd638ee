/// What the auditor found in one scenario.
struct Verdict: Sendable {
  let scenario: String
  var orders = 0
  var effects = 0
  var repeatedDeliveries = 0
  var epochs: [UInt64] = []
  /// From the fault to the first run of the fulfilment under a later epoch, before the heal.
  var takeover: Duration?
  /// The same from the heal on.
  var afterHeal: Duration?
  /// The longest time without a new run of the fulfilment, from the fault to the end.
  var longestPause: Duration = .zero
  var refusals = 0
  var rivalsHeard = 0
  var stories = 0
  /// How long after the next epoch was granted a run under the old one still began, at the most.
  var latest: Duration = .zero
  var violations: [String] = []
}

/// What a fault may cost at the most, and what must be said of it.
struct Expected: Sendable {
  /// Deliveries beyond the first of an order: those that were in flight when a leader was lost.
  var repeats = 0
  /// Entries that tell of a split brain.
  var stories: ClosedRange<Int> = 0...0
}

/// Judges what the programs did by what they left behind, not by what they say of themselves alone.
struct Auditor {
  /// After a grant to a higher id the link of the old holder is ended; a run that it has just begun is not
  /// stopped. More than this is not such a crossing.
  static let crossing = Duration.milliseconds(250)

  private let evidence: Evidence
  private var verdict: Verdict

  static func judge(
    _ scenario: String, _ evidence: Evidence, _ times: FaultTimes, _ expected: Expected
  ) -> Verdict {
    var auditor = Auditor(evidence: evidence, verdict: Verdict(scenario: scenario))
    auditor.judgeEffects()
    auditor.judgeEpochs()
    auditor.judgeRuns()
    auditor.judgeClaims()
    auditor.judgeOrders()
    auditor.judgeTimes(times)
    auditor.judgeExpected(expected)
    return auditor.verdict
  }

  private mutating func wrong(_ what: String) { verdict.violations.append(what) }

  /// Every approved order has exactly one effect, and nothing else has one.
  private mutating func judgeEffects() {
    verdict.orders = evidence.approved.count
    verdict.effects = evidence.effects.count
    if evidence.approved.isEmpty { wrong("no order was approved: nothing was tested") }
    if !evidence.rejected.isEmpty { wrong("\(evidence.rejected.count) orders were rejected") }
    let counts = evidence.effects.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    for order in evidence.approved where counts[order] != 1 {
      wrong("order \(order) has \(counts[order] ?? 0) effects")
    }
    let unknown = Set(counts.keys).subtracting(evidence.approved)
    if !unknown.isEmpty { wrong("effects of orders that nobody was told are approved: \(unknown.sorted())") }
  }

  /// Epochs grow by every grant, and each was granted once.
  private mutating func judgeEpochs() {
    verdict.epochs = evidence.grants.map(\.epoch)
    for (before, after) in zip(evidence.grants, evidence.grants.dropFirst()) where after.epoch <= before.epoch
    {
      wrong("epoch \(after.epoch) of \(after.executor) was granted after epoch \(before.epoch)")
    }
    if evidence.grants.isEmpty { wrong("the queue granted no epoch") }
  }

  /// Runs begin under the epoch that is in force, by the holder of it.
  private mutating func judgeRuns() {
    for run in evidence.runs {
      guard let holder = holder(of: run.epoch) else {
        wrong("order \(run.order) was run under epoch \(run.epoch), which was never granted")
        continue
      }
      if holder != run.executor { wrong("\(run.executor) ran \(run.order) under the epoch of \(holder)") }
      guard let next = evidence.grants.first(where: { $0.epoch > run.epoch }), run.at > next.at else {
        continue
      }
      let late = Duration.seconds(run.at - next.at)
      verdict.latest = max(verdict.latest, late)
      if late > Self.crossing {
        wrong(
          "\(run.executor) began \(run.order) under epoch \(run.epoch), \(late) after epoch \(next.epoch) was granted"
        )
      }
    }
  }

  /// Never two who hold one epoch, by their own word and by the queue's.
  private mutating func judgeClaims() {
    let claims = evidence.claims.reduce(into: [UInt64: Set<String>]()) {
      $0[$1.epoch, default: []].insert($1.executor)
    }
    for (epoch, executors) in claims.sorted(by: { $0.key < $1.key }) {
      if executors.count > 1 { wrong("epoch \(epoch) has the holders \(executors.sorted())") }
      for executor in executors where executor != holder(of: epoch) {
        wrong(
          "\(executor) believes in epoch \(epoch), which the queue gave to \(holder(of: epoch) ?? "nobody")")
      }
    }
  }

  /// The orchestrator knows every order as executed, once, by the holder of the epoch under which it was.
  private mutating func judgeOrders() {
    let known = Set(evidence.orders.map(\.order))
    for order in evidence.approved where !known.contains(order) {
      wrong("order \(order) is not known any more")
    }
    for record in evidence.orders {
      guard record.state == "executed" else {
        wrong("order \(record.order) is \(record.state)")
        continue
      }
      if holder(of: record.epoch) != record.executor {
        wrong(
          "order \(record.order) counts as executed by \(record.executor) under epoch \(record.epoch), not its own"
        )
      }
      if record.timesExecuted != 1 {
        wrong("the timeline of order \(record.order) has \(record.timesExecuted) times executed")
      }
    }
  }

  /// Work done again is no more than what can have been in flight, and a split brain is told of: not left out,
  /// not made up.
  private mutating func judgeExpected(_ expected: Expected) {
    verdict.repeatedDeliveries = evidence.runs.count - Set(evidence.runs.map(\.order)).count
    verdict.stories = evidence.stories
    if verdict.repeatedDeliveries > expected.repeats {
      wrong("\(verdict.repeatedDeliveries) deliveries were repeated, more than \(expected.repeats)")
    }
    if !expected.stories.contains(verdict.stories) {
      let most = expected.stories.upperBound
      let wanted = most == .max ? "at least \(expected.stories.lowerBound)" : "\(expected.stories)"
      wrong("\(verdict.stories) entries tell of a split brain, not \(wanted)")
    }
  }

  private func holder(of epoch: UInt64) -> String? { evidence.grants.first { $0.epoch == epoch }?.executor }

  private mutating func judgeTimes(_ times: FaultTimes) {
    verdict.refusals = evidence.refusals
    verdict.rivalsHeard = evidence.rivalsHeard
    let runs = evidence.runs
    let before = runs.filter { $0.at < times.fault }.map(\.epoch).max() ?? 0
    if let first = runs.filter({ $0.epoch > before && $0.at >= times.fault && $0.at < times.heal }).map(\.at)
      .min()
    {
      verdict.takeover = .seconds(first - times.fault)
    }
    let during = runs.filter { $0.at < times.heal }.map(\.epoch).max() ?? before
    if let first = runs.filter({ $0.epoch > during && $0.at >= times.heal }).map(\.at).min() {
      verdict.afterHeal = .seconds(first - times.heal)
    }
    let moments =
      [times.fault] + runs.map(\.at).filter { $0 > times.fault && $0 < times.end }.sorted() + [times.end]
    verdict.longestPause = .seconds(zip(moments, moments.dropFirst()).map { $1 - $0 }.max() ?? 0)
  }
}
