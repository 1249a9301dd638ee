import OrderDomain

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
  case amountUnlikeHistory = "amount_unlike_history"
  case costlyGoodsMany = "costly_goods_many"
  case newCustomerElsewhere = "new_customer_elsewhere"
  case countryMismatch = "country_mismatch"
  case cardCountryMismatch = "card_country_mismatch"
  case holderNameMismatch = "holder_name_mismatch"
  case expressHighAmount = "express_high_amount"
  case ordersPerCard = "orders_per_card"
  case ordersPerEmail = "orders_per_email"
  case ordersPerAddress = "orders_per_address"
  case ordersPerClient = "orders_per_client"
  case cardsPerEmail = "cards_per_email"
  case cardsPerAddress = "cards_per_address"
  case cardsPerClient = "cards_per_client"
  case emailsPerCard = "emails_per_card"

  /// The mark of an order that passes and is to be looked at by a person. No rule: it has no score, and
  /// stands before the findings that led to it.
  package static let flaggedForReview = Finding.flaggedForReview

  /// The score that a rule adds unless the policy says otherwise.
  package var defaultScore: Int {
    switch self {
    case .emailBlocked, .emailDomainBlocked, .amountOverLimit: 100
    case .cardsPerEmail, .cardsPerClient: 65
    case .ordersPerCard, .ordersPerEmail, .ordersPerClient, .cardsPerAddress, .emailsPerCard: 45
    case .amountVeryHigh: 40
    case .amountUnlikeHistory: 35
    case .emailDisposable, .cardCountryMismatch: 30
    case .countryMismatch, .ordersPerAddress: 25
    case .emailLooksRandom, .amountHigh, .newCustomerElsewhere: 20
    case .holderNameMismatch, .expressHighAmount, .costlyGoodsMany: 15
    case .quantityUnusual, .totalQuantityUnusual: 10
    case .emailNameMismatch: 5
    // Carries over what the buyer has scored, so it has no score of its own.
    case .buyerSuspicious: 0
    }
  }

  /// Whether the policy can change the score.
  package var hasOwnScore: Bool { self != .buyerSuspicious }
}
