import FoundationEssentials
import FraudRules
import Testing

/// How good the default rules are on the synthetic shop. Scores and thresholds were chosen on the seeds 1 to 5; this is
/// another one. docs/FRAUD.md holds the tables that this prints.
struct PrecisionRecallTests {
  private static let seed: UInt64 = 2_026

  private static func policy(withRanges: Bool = true) throws -> FraudPolicy {
    try testPolicy { if withRanges { $0.cardRanges = try People.cardRanges() } }
  }

  private static func row(_ name: String, _ quality: Evaluation.Quality) -> String {
    "| \(name) | \(percent(quality.precision)) | \(percent(quality.recall)) | \(percent(quality.value)) "
      + "| \(percent(quality.falseAlarms)) |"
  }

  private static func document() throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return String(decoding: try Data(contentsOf: root.appending(path: "docs/FRAUD.md")), as: UTF8.self)
  }

  /// Prints `rows`, and wants each of them in docs/FRAUD.md.
  private func expectInDocument(_ rows: [String]) throws {
    print(rows.joined(separator: "\n"))
    let lines = Set(try Self.document().split(separator: "\n").map(String.init))
    for row in rows { #expect(lines.contains(row), "docs/FRAUD.md does not have the line \(row)") }
  }

  @Test func theDefaultRules() throws {
    let orders = try SyntheticShop.orders(seed: Self.seed)
    let full = Evaluation(orders, try Self.policy())
    let bare = Evaluation(orders, try Self.policy(withRanges: false))
    let (rejected, caught) = (full.quality(orFlagged: false), full.quality(orFlagged: true))
    try expectInDocument([
      Self.row("rejected (from 80)", rejected), Self.row("rejected or flagged (from 40)", caught),
      Self.row("rejected, card countries not known", bare.quality(orFlagged: false)),
      Self.row("rejected or flagged, card countries not known", bare.quality(orFlagged: true)),
    ])
    #expect(rejected.fraud > 300 && rejected.orders > 5_000)
    #expect(rejected.precision > 0.85 && rejected.recall > 0.55 && rejected.value > 0.6)
    #expect(rejected.falseAlarms < 0.01)
    #expect(caught.precision > 0.55 && caught.recall > 0.78 && caught.value > 0.85)
    #expect(caught.falseAlarms < 0.05)
    #expect(bare.quality(orFlagged: true).recall > 0.7)
  }

  @Test func whoIsCaught() throws {
    let full = Evaluation(try SyntheticShop.orders(seed: Self.seed), try Self.policy())
    try expectInDocument(
      Buyer.allCases.map { buyer in
        let own = full.judged.filter { $0.buyer == buyer }
        let (rejected, flagged) = (own.count { $0.verdict == .reject }, own.count { $0.verdict == .review })
        return "| \(buyer.rawValue) | \(buyer.isFraud ? "fraud" : "honest") | \(own.count) | \(rejected) "
          + "| \(flagged) |"
      })
    // Nobody who buys as most people do is ever turned away.
    for buyer in [Buyer.regular, .family, .gift, .dormitory, .discreet] {
      #expect(!full.judged.contains { $0.buyer == buyer && $0.verdict == .reject }, "\(buyer)")
    }
  }

  /// What another threshold for rejection would cost and bring.
  @Test func theTradeOff() throws {
    let orders = try SyntheticShop.orders(seed: Self.seed)
    var rows: [String] = []
    var recalls: [Double] = []
    for threshold in stride(from: 30, through: 110, by: 10) {
      var policy = try Self.policy()
      (policy.reviewScore, policy.rejectScore) = (min(40, threshold), threshold)
      let quality = Evaluation(orders, policy).quality(orFlagged: false)
      rows.append(Self.row("\(threshold)", quality))
      recalls.append(quality.recall)
    }
    try expectInDocument(rows)
    #expect(recalls == recalls.sorted(by: >), "a higher threshold caught more")
  }

  /// The tables are worth something only if the same seed makes the same shop.
  @Test func theSameSeedMakesTheSameShop() throws {
    let (first, second) = (try SyntheticShop.orders(seed: 7), try SyntheticShop.orders(seed: 7))
    #expect(first.map(\.request) == second.map(\.request) && first.map(\.at) == second.map(\.at))
    #expect(try SyntheticShop.orders(seed: 8).map(\.request) != first.map(\.request))
    #expect(Set(first.map(\.buyer)) == Set(Buyer.allCases))
  }
}
