/// One thing a rule found wrong (or odd) with an order.
package struct Finding: Sendable, Hashable, Codable {
  /// Stable, machine-readable, `lower_snake_case`: `card_expired`, `item_unknown` …
  package var code: String
  /// Where in `order.json`, as a JSON pointer (RFC 6901): `/items/0/quantity`. Empty for the order as a whole.
  package var field: String
  /// A sentence for a person that says what would be right. Never holds a card number.
  package var message: String
  /// What it adds to a risk score, 0 for a plain rule.
  package var score: Int

  /// The code of an order that passes and that a person should look at.
  package static let flaggedForReview = "flagged_for_review"

  package init(code: String, field: String, message: String, score: Int = 0) {
    self.code = code
    self.field = field
    self.message = message
    self.score = score
  }
}
