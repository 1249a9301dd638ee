/// What can make an order suspicious. The raw values are part of the interface and never change their
/// meaning.
package enum FraudRuleCode: String, Sendable, Hashable, CaseIterable {
  // Event d, screen buyer.
  case emailBlocked = "email_blocked"
  case emailDomainBlocked = "email_domain_blocked"
  case emailDisposable = "email_disposable"
  case emailLooksRandom = "email_looks_random"
  case emailNameMismatch = "email_name_mismatch"
  case quantityUnusual = "quantity_unusual"
  case totalQuantityUnusual = "total_quantity_unusual"

  // Event e, screen payment.
  case buyerSuspicious = "buyer_suspicious"
  case amountHigh = "amount_high"
  case amountVeryHigh = "amount_very_high"
  case amountOverLimit = "amount_over_limit"
  case countryMismatch = "country_mismatch"
  case holderNameMismatch = "holder_name_mismatch"
  case expressHighAmount = "express_high_amount"
  case velocityExceeded = "velocity_exceeded"

  /// The score that a rule adds unless the policy says otherwise.
  var defaultScore: Int {
    switch self {
    case .emailBlocked, .emailDomainBlocked, .amountOverLimit: 100
    case .amountVeryHigh: 50
    case .emailDisposable, .velocityExceeded: 45
    case .amountHigh, .countryMismatch: 25
    case .holderNameMismatch, .expressHighAmount, .quantityUnusual, .totalQuantityUnusual: 20
    case .emailLooksRandom: 15
    case .emailNameMismatch: 5
    // Carries over what the buyer has scored, so it has no score of its own.
    case .buyerSuspicious: 0
    }
  }
}
