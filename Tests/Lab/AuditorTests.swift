import Testing

/// What the lab's verdicts are worth: each kind of wrong is found. Needs neither root nor a network.
@Suite("Auditor")
struct AuditorTests {
  private static let times = FaultTimes(fault: 10, heal: 20, end: 30)

  /// Two orders, the leader replaced between them.
  private static let sound: Evidence = {
    var evidence = Evidence()
    evidence.approved = ["a", "b"]
    evidence.effects = ["a", "b"]
    evidence.grants = [
      Grant(epoch: 1, executor: "executor-3", at: 1), Grant(epoch: 2, executor: "executor-2", at: 12),
    ]
    evidence.claims = [("executor-3", 1), ("executor-2", 2)]
    evidence.runs = [
      FulfilmentRun(at: 2, order: "a", epoch: 1, executor: "executor-3"),
      FulfilmentRun(at: 13, order: "b", epoch: 2, executor: "executor-2"),
    ]
    evidence.orders = [
      OrderRecord(order: "a", state: "executed", executor: "executor-3", epoch: 1, timesExecuted: 1),
      OrderRecord(order: "b", state: "executed", executor: "executor-2", epoch: 2, timesExecuted: 1),
    ]
    return evidence
  }()

  private func violations(_ change: (inout Evidence) -> Void) -> [String] {
    var evidence = Self.sound
    change(&evidence)
    return Auditor.judge("planted", evidence, Self.times, Expected()).violations
  }

  @Test(arguments: [
    ("2026-11-22T15:45:48.097Z", 1_795_362_348.097), ("2026-11-22T15:45:48.097123", 1_795_362_348.097123),
    ("2026-11-22T15:45:48Z", 1_795_362_348),
  ])
  func timesAreReadAsTheyAreWritten(_ text: String, _ seconds: Double) throws {
    #expect(abs(try #require(LogLine.seconds(text)) - seconds) < 0.000_001)
  }

  @Test("A sound run has no violation, and its times are right")
  func sound() {
    let verdict = Auditor.judge("sound", Self.sound, Self.times, Expected())
    #expect(verdict.violations.isEmpty)
    #expect(verdict.takeover == .seconds(3))
    #expect(verdict.afterHeal == nil)
    #expect(verdict.longestPause == .seconds(17))
    #expect(verdict.repeatedDeliveries == 0)
  }

  @Test("Effects: twice, none, of an order that was not approved")
  func effects() {
    #expect(violations { $0.effects.append("a") } == ["order a has 2 effects"])
    #expect(violations { $0.effects.removeLast() } == ["order b has 0 effects"])
    #expect(violations { $0.effects.append("c") }.count == 1)
    #expect(violations { $0 = Evidence() }.contains { $0.contains("nothing was tested") })
  }

  @Test("Repeated deliveries are counted; more than can have been in flight are a violation")
  func repeated() {
    var evidence = Self.sound
    evidence.runs.append(FulfilmentRun(at: 14, order: "a", epoch: 2, executor: "executor-2"))
    let verdict = Auditor.judge("repeated", evidence, Self.times, Expected(repeats: 1))
    #expect(verdict.violations.isEmpty)
    #expect(verdict.repeatedDeliveries == 1)
    evidence.runs.append(FulfilmentRun(at: 15, order: "a", epoch: 2, executor: "executor-2"))
    let more = Auditor.judge("repeated", evidence, Self.times, Expected(repeats: 1))
    #expect(more.violations == ["2 deliveries were repeated, more than 1"])
  }

  @Test(
    "Stories of a split brain: one that is missing, one that is made up, one too many",
    arguments: [
      (0...0, [0]), (1...1, [1]), (1...Int.max, [1, 2, 9]), (0...Int.max, [0, 3]),
    ] as [(ClosedRange<Int>, Set<Int>)])
  func stories(_ expected: ClosedRange<Int>, _ right: Set<Int>) {
    for number in [0, 1, 2, 3, 9] {
      var evidence = Self.sound
      evidence.stories = number
      let verdict = Auditor.judge("stories", evidence, Self.times, Expected(stories: expected))
      #expect(verdict.stories == number)
      let isRight = right.contains(number) || (expected.upperBound == .max && number > expected.lowerBound)
      #expect(verdict.violations.isEmpty == isRight, "\(number) of \(expected)")
    }
  }

  @Test("Epochs: granted twice, falling, two holders, one that was never granted")
  func epochs() {
    let again = Grant(epoch: 2, executor: "executor-1", at: 15)
    #expect(!violations { $0.grants.append(again) }.isEmpty)
    #expect(!violations { $0.grants.swapAt(0, 1) }.isEmpty)
    #expect(violations { $0.claims.append(("executor-1", 2)) }.contains { $0.contains("has the holders") })
    #expect(violations { $0.claims.append(("executor-1", 9)) }.contains { $0.contains("nobody") })
    #expect(violations { $0.runs[1].epoch = 9 }.contains { $0.contains("never granted") })
  }

  @Test("A run long after the next epoch was granted is found, one that crossed the grant is not")
  func staleRuns() {
    #expect(violations { $0.runs[0].at = 12.1 }.isEmpty)
    #expect(violations { $0.runs[0].at = 12.5 }.count == 1)
    #expect(
      violations { $0.runs[1].executor = "executor-1" }.contains { $0.contains("the epoch of executor-2") })
  }

  @Test("Orders: not executed, forgotten, executed twice, under somebody else's epoch")
  func orders() {
    #expect(violations { $0.orders[0].state = "queued" } == ["order a is queued"])
    #expect(violations { $0.orders.removeLast() } == ["order b is not known any more"])
    #expect(violations { $0.orders[0].timesExecuted = 2 }.count == 1)
    #expect(violations { $0.orders[0].epoch = 2 }.count == 1)
  }
}
