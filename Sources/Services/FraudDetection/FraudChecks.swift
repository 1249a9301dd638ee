import CoreTime
import Crypto
import FraudRules
import GRPCSupport
import OrderDomain
import Synchronization
import VectorClock

/// The rules of `FraudRules` by event, and what they need to remember: in memory only, and bounded.
final class FraudChecks: CheckProvider {
  /// Orders within the velocity window that are counted.
  static let maximumRecentOrders = 100_000
  /// Orders between event d and event e.
  static let maximumScreenedBuyers = 20_000

  private struct Memory {
    var cards: VelocityWindow
    var emails: VelocityWindow
    var buyers: RecentMap<OrderID, Assessment>
  }

  private let rules: FraudRules
  /// Of this process: fingerprints are compared within it and go nowhere.
  private let key = SymmetricKey(size: .bits256)
  private let memory: Mutex<Memory>

  init(policy: FraudPolicy, velocityWindow: Duration) {
    rules = FraudRules(policy: policy)
    memory = Mutex(
      Memory(
        cards: VelocityWindow(length: velocityWindow, capacity: Self.maximumRecentOrders),
        emails: VelocityWindow(length: velocityWindow, capacity: Self.maximumRecentOrders),
        buyers: RecentMap(capacity: Self.maximumScreenedBuyers)))
  }

  func verdict(on event: String, of check: CheckInput) -> EventVerdict {
    switch event {
    case "d":
      let assessment = rules.screenBuyer(check.order)
      memory.withLock { $0.buyers.set(assessment, for: check.orderID) }
      return verdict(assessment)
    case "e": return screenPayment(check)
    default: preconditionFailure("the host lets no other event through than those of CheckEvents")
    }
  }

  func settled(_ order: OrderID, approved: Bool) {
    memory.withLock { _ = $0.buyers.remove(order) }
  }

  private func screenPayment(_ check: CheckInput) -> EventVerdict {
    guard let amount = check.amount else {
      preconditionFailure("the host lets event e through only with an amount")
    }
    let card = summary(of: check.order.payment.card)
    let email = check.order.customer.email.lowercased()
    let (recent, buyer) = memory.withLock { memory in
      let byCard = memory.cards.record(card.fingerprint, order: check.orderID, now: check.now)
      let byEmail = memory.emails.record(email, order: check.orderID, now: check.now)
      return (max(byCard, byEmail), memory.buyers[check.orderID])
    }
    return verdict(
      rules.screenPayment(check.order, card: card, amount: amount, buyer: buyer, recentOrders: recent))
  }

  private func verdict(_ assessment: Assessment) -> EventVerdict {
    guard assessment.verdict == .reject else {
      return EventVerdict(passed: true, findings: assessment.findings)
    }
    // The first finding is given as the reason, so the weightiest comes first; equal ones stay in their
    // order.
    let ranked = assessment.findings.enumerated().sorted {
      ($1.element.score, $0.offset) < ($0.element.score, $1.offset)
    }
    return EventVerdict(passed: false, findings: ranked.map(\.element))
  }

  private func summary(of card: Card) -> CardSummary {
    let digits = card.number.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let code = HMAC<SHA256>.authenticationCode(for: digits, using: key)
    return CardSummary(
      brand: CardBrand(number: card.number), lastFour: String(decoding: digits.suffix(4), as: UTF8.self),
      fingerprint: code.prefix(16).hexadecimal)
  }
}
