package import OrderDomain

/// The rules of fraud detection: events d (buyer) and e (payment) of the checkout. Every rule that applies
/// adds its score; the policy's thresholds turn the sum into a verdict.
///
/// Findings say what looked odd to a person of the shop. Since a fraudster may read them too, they never name
/// a limit.
package struct FraudRules: Sendable {
  package let policy: FraudPolicy

  /// `policy` is expected to have no `problems()`.
  package init(policy: FraudPolicy = FraudPolicy()) { self.policy = policy }

  /// Event d: who orders, and how much of what. Expects an order that event b has passed, but takes any.
  package func screenBuyer(_ order: OrderRequest) -> Assessment {
    Assessment(findings: emailFindings(order.customer) + quantityFindings(order.items), policy: policy)
  }

  /// Event e: the payment, in the light of the whole order.
  ///
  /// `amount` is the total by the catalog's prices. `buyer` is what event d found; its score is carried over.
  /// `evidence` is what `FraudMemory.observe` told about this order.
  package func screenPayment(
    _ order: OrderRequest, amount: Money, buyer: Assessment? = nil, evidence: FraudEvidence = FraudEvidence()
  ) -> Assessment {
    var findings: [Finding?] = []
    if let buyer, buyer.score > 0 {
      findings.append(
        finding(
          .buyerSuspicious, "/customer", "The buyer looked suspicious before the payment was screened.",
          score: buyer.score))
    }
    findings += amountFindings(order, amount, evidence)
    findings += partyFindings(order, evidence)
    findings += velocityFindings(evidence)
    return Assessment(findings: findings.compactMap { $0 }, policy: policy)
  }

  private func emailFindings(_ customer: Customer) -> [Finding] {
    let field = "/customer/email"
    var findings: [Finding?] = []
    let email = MailAddress(customer.email)
    if policy.blockedEmails.contains(email.whole) {
      findings.append(finding(.emailBlocked, field, "This mail address may not order here."))
    }
    if email.isWithin(policy.blockedDomains) {
      findings.append(
        finding(.emailDomainBlocked, field, "Mail addresses of this domain may not order here."))
    }
    if email.isWithin(policy.disposableDomains) {
      findings.append(
        finding(.emailDisposable, field, "This is a throw-away mail address; give one that will last."))
    }
    if email.looksRandom {
      findings.append(
        finding(.emailLooksRandom, field, "The mail address looks as if it were made up by a machine."))
    }
    if email.mentionsNothingOf(PersonName(customer.name)) {
      findings.append(
        finding(.emailNameMismatch, field, "The mail address has nothing of the customer's name in it."))
    }
    return findings.compactMap { $0 }
  }

  private func quantityFindings(_ items: [OrderItem]) -> [Finding] {
    var findings: [Finding?] = []
    // A huge quantity counts as unusual and nothing more, so it is cut off where sums cannot overflow.
    let cap = Int(Int32.max)
    var bySKU: [String: Int] = [:]
    var total = 0
    var firstUnusual: Int?
    for (index, item) in items.enumerated() {
      let quantity = min(max(item.quantity, 0), cap)
      bySKU[item.sku] = min(bySKU[item.sku, default: 0] + quantity, cap)
      total = min(total + quantity, cap)
      if firstUnusual == nil, bySKU[item.sku, default: 0] > policy.usualQuantity { firstUnusual = index }
    }
    if let firstUnusual {
      findings.append(
        finding(
          .quantityUnusual, "/items/\(firstUnusual)/quantity",
          "That is far more of one item than customers order."))
    }
    if total > policy.usualTotalQuantity {
      findings.append(
        finding(.totalQuantityUnusual, "/items", "That is far more in one order than customers order."))
    }
    return findings.compactMap { $0 }
  }

  /// Nil when the policy has switched the rule off.
  func finding(_ code: FraudRuleCode, _ field: String, _ message: String, score: Int? = nil) -> Finding? {
    let score = score ?? policy.score(of: code)
    return score > 0 ? Finding(code: code.rawValue, field: field, message: message, score: score) : nil
  }
}
