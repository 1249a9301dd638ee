import CoreTime
import OrderDomain

// The parts of event e.
extension FraudRules {
  /// The amount, by itself and against what the customer usually spends.
  func amountFindings(_ order: OrderRequest, _ amount: Money, _ evidence: FraudEvidence) -> [Finding?] {
    let isKnown = isKnown(evidence)
    // Half as much again as the largest order so far is nothing new for a known customer.
    let ceiling = evidence.history.map { $0.largestAmount + min($0.largestAmount, .max / 2) / 2 } ?? 0
    let isUsual = isKnown && evidence.addressIsFamiliar && amount.minorUnits <= ceiling
    var findings: [Finding?] = []
    if reaches(amount, policy.amountLimit) {
      findings.append(
        finding(.amountOverLimit, "", "\(amount) is more than is sold in one order; order less."))
    } else if !isUsual, reaches(amount, policy.veryHighAmount) {
      findings.append(finding(.amountVeryHigh, "", "\(amount) is a very high amount for one order."))
    } else if !isUsual, reaches(amount, policy.highAmount) {
      findings.append(finding(.amountHigh, "", "\(amount) is a high amount for one order."))
    }
    if isKnown, let history = evidence.history, isUnlike(amount, history) {
      findings.append(
        finding(.amountUnlikeHistory, "", "\(amount) is far more than this customer usually spends."))
    }
    guard !isUsual else { return findings }
    if isCostly(order, amount) {
      findings.append(
        finding(
          .costlyGoodsMany, "/items", "Several costly items at once look as if they were to be sold on."))
    }
    if order.shipping?.method == "express", reaches(amount, policy.highAmount) {
      findings.append(
        finding(.expressHighAmount, "/shipping/method", "Goods of high value are to go out by express."))
    }
    if let target = order.shippingAddress, target != order.billingAddress, !isKnown,
      reaches(amount, policy.costlyPrice)
    {
      findings.append(
        finding(
          .newCustomerElsewhere, "/shippingAddress",
          "The first orders of a new customer are costly and to go to another address than the invoice."))
    }
    return findings
  }

  /// Whose the card is and where the goods go; a known customer may do again what went well before.
  func partyFindings(_ order: OrderRequest, _ evidence: FraudEvidence) -> [Finding?] {
    let isKnown = isKnown(evidence)
    var findings: [Finding?] = []
    let billing = order.billingAddress.country
    let target = order.shippingAddress ?? order.billingAddress
    if target.country != billing, !(isKnown && evidence.addressIsFamiliar) {
      findings.append(
        finding(
          .countryMismatch, "/shippingAddress/country",
          "The goods are to go to another country than the invoice."))
    }
    if isKnown && evidence.cardIsFamiliar { return findings }
    if let country = policy.cardRanges.country(of: order.payment.card.number), country != billing {
      findings.append(
        finding(
          .cardCountryMismatch, "/billingAddress/country",
          "The card was issued in another country than the invoice is to go to."))
    }
    if !PersonName(order.payment.card.holder).mayBeSamePerson(as: PersonName(order.customer.name)) {
      let brand = CardBrand(number: order.payment.card.number)
      findings.append(
        finding(
          .holderNameMismatch, "/payment/card/holder",
          "The name on the \(brand.rawValue) card is not the customer's name."))
    }
    return findings
  }

  /// At most one of each group: many orders with one card are mostly many orders to one address, too.
  func velocityFindings(_ evidence: FraudEvidence) -> [Finding?] {
    VelocityKind.Group.allCases.map { group in
      let exceeded = VelocityKind.allCases.filter { kind in
        kind.group == group && evidence.counts[kind, default: 0] > policy.limit(of: kind).most
      }
      // The first of equal ones, so that the answer does not depend on chance.
      var weightiest = exceeded.first
      for kind in exceeded.dropFirst() {
        if let best = weightiest, policy.score(of: kind.code) > policy.score(of: best.code) {
          weightiest = kind
        }
      }
      return weightiest.flatMap { finding($0.code, $0.field, $0.sentence) }
    }
  }

  private func isKnown(_ evidence: FraudEvidence) -> Bool {
    guard let history = evidence.history else { return false }
    return history.orders >= policy.knownOrders && evidence.now - history.since >= policy.knownAge
  }

  /// Only amounts that are worth a fraud: a tenth of `highAmount` and more.
  private func isUnlike(_ amount: Money, _ history: CustomerHistory) -> Bool {
    let (usual, overflow) = history.usualAmount.multipliedReportingOverflow(by: policy.unusualFactor)
    return !overflow && amount.minorUnits > usual && amount.minorUnits > history.largestAmount
      && reaches(amount, max(policy.highAmount / 10, 1))
  }

  /// By the mean price, since the prices of single items are not known here.
  private func isCostly(_ order: OrderRequest, _ amount: Money) -> Bool {
    var count = 0
    for item in order.items {
      count = min(count + min(max(item.quantity, 0), Int(Int32.max)), Int(Int32.max))
    }
    guard count >= policy.costlyQuantity else { return false }
    let mean = Money(minorUnits: amount.minorUnits / Int64(count), currency: amount.currency)
    return reaches(mean, policy.costlyPrice)
  }

  /// Whether `amount` is at least `threshold` whole units of its currency.
  private func reaches(_ amount: Money, _ threshold: Int64) -> Bool {
    var scale: Int64 = 1
    for _ in 0..<amount.currency.minorUnitDigits { scale *= 10 }
    let (minor, overflow) = threshold.multipliedReportingOverflow(by: scale)
    return !overflow && amount.minorUnits >= minor
  }
}
