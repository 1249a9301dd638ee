import Foundation

extension Scenario {
  /// Orders per second while a scenario runs.
  static let rate = 20.0

  /// Builds a lab, does what the scenario says while orders flow, waits until all are carried out, and has
  /// it audited.
  func run(_ options: Lab.Options) throws -> Verdict {
    try Lab.with(options) { lab in
      let orders = try lab.submitOrders(perSecond: Self.rate)
      var times = FaultTimes(fault: 0, heal: 0, end: 0)
      let outcome = Result { times = try act(lab) }
      // Also when it failed: nothing is torn down below the customers.
      let submitted = try orders.stop()
      try outcome.get()
      let missing = Set(submitted.approved)
      try eventually(
        "all \(missing.count) orders are executed", within: .seconds(60), every: .milliseconds(200)
      ) {
        let status = try lab.get(["/v1/status"]).first ?? [:]
        return (status["orders"] as? [String: Any])?["executed"] as? Int ?? 0 >= missing.count
      }
      var verdict = Auditor.judge(name, try Evidence(of: lab, submitted), times, expected)
      judge(&verdict)
      return verdict
    }
  }

  private func act(_ lab: Lab) throws -> FaultTimes {
    let steady = Duration.seconds(2)
    try waitForLeader(lab, "executor-3", since: 0)
    try prepare(lab)
    rest(steady)
    var times = FaultTimes(fault: wallNow(), heal: 0, end: 0)
    try inject(lab)
    rest(lasts)
    times.heal = wallNow()
    try heal(lab)
    try waitForLeader(lab, "executor-3", since: times.heal)
    rest(steady)
    times.end = wallNow()
    return times
  }

  /// An order is carried out by `executor` under the newest epoch.
  private func waitForLeader(_ lab: Lab, _ executor: String, since: WallSeconds) throws {
    try eventually("\(executor) leads and acts", within: .seconds(30), every: .milliseconds(100)) {
      guard let last = try Evidence.grants(of: lab).last, last.executor == executor else { return false }
      return try Evidence.runs(of: lab).contains { $0.at > since && $0.epoch == last.epoch }
    }
  }

  private func judge(_ verdict: inout Verdict) {
    switch expectation {
    case .takeover(let limit):
      guard let takeover = verdict.takeover else {
        return verdict.violations.append("nobody took over while the fault lasted")
      }
      if takeover > limit { verdict.violations.append("the takeover took \(milliseconds(takeover))") }
    case .noTakeover(let limit):
      if verdict.takeover != nil { verdict.violations.append("the leader changed though it could go on") }
      if verdict.longestPause > limit {
        verdict.violations.append("orders stood still for \(milliseconds(verdict.longestPause))")
      }
    case .safety: break
    }
  }
}

extension Verdict {
  static func table(_ verdicts: [Verdict]) -> String {
    let head = [
      "scenario", "orders", "effects", "repeated", "epochs", "takeover", "after heal", "longest pause",
      "refused",
      "late runs", "rivals heard", "split-brain stories", "verdict",
    ]
    return columns([head] + verdicts.map(\.row))
  }

  private var row: [String] {
    [
      scenario, "\(orders)", "\(effects)", "\(repeatedDeliveries)",
      epochs.map(String.init).joined(separator: ","),
      milliseconds(takeover), milliseconds(afterHeal), milliseconds(longestPause), "\(refusals)",
      latest == .zero ? "-" : "≤ \(milliseconds(latest))", "\(rivalsHeard)", "\(stories)",
      violations.isEmpty ? "ok" : "\(violations.count) VIOLATIONS",
    ]
  }
}
