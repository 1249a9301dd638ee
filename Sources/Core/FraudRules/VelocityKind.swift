/// What is counted over a sliding window: how many orders, or how many different cards or mail addresses, came
/// with one card, mail address, shipping address or client.
package enum VelocityKind: String, Sendable, Hashable, CaseIterable {
  case ordersPerCard = "orders-per-card"
  case ordersPerEmail = "orders-per-email"
  case ordersPerAddress = "orders-per-address"
  case ordersPerClient = "orders-per-client"
  case cardsPerEmail = "cards-per-email"
  case cardsPerAddress = "cards-per-address"
  case cardsPerClient = "cards-per-client"
  case emailsPerCard = "emails-per-card"

  /// Several of one group say the same thing about an order, so only the weightiest of them counts.
  package enum Group: Sendable, Hashable, CaseIterable {
    /// Many orders in a short time.
    case pace
    /// Many identities behind one.
    case spread
  }

  package var group: Group {
    switch self {
    case .ordersPerCard, .ordersPerEmail, .ordersPerAddress, .ordersPerClient: .pace
    case .cardsPerEmail, .cardsPerAddress, .cardsPerClient, .emailsPerCard: .spread
    }
  }

  /// Families and offices share addresses and lines, so those have the wider limits.
  package var defaultLimit: VelocityLimit {
    switch self {
    case .ordersPerCard, .ordersPerEmail: VelocityLimit(window: .seconds(600), most: 5)
    case .ordersPerAddress: VelocityLimit(window: .seconds(86_400), most: 15)
    case .ordersPerClient: VelocityLimit(window: .seconds(600), most: 10)
    case .cardsPerEmail: VelocityLimit(window: .seconds(86_400), most: 2)
    case .cardsPerAddress: VelocityLimit(window: .seconds(86_400), most: 4)
    case .cardsPerClient: VelocityLimit(window: .seconds(3_600), most: 3)
    case .emailsPerCard: VelocityLimit(window: .seconds(86_400), most: 3)
    }
  }

  package var code: FraudRuleCode {
    switch self {
    case .ordersPerCard: .ordersPerCard
    case .ordersPerEmail: .ordersPerEmail
    case .ordersPerAddress: .ordersPerAddress
    case .ordersPerClient: .ordersPerClient
    case .cardsPerEmail: .cardsPerEmail
    case .cardsPerAddress: .cardsPerAddress
    case .cardsPerClient: .cardsPerClient
    case .emailsPerCard: .emailsPerCard
    }
  }

  /// Where in `order.json` the trouble is.
  var field: String {
    switch self {
    case .ordersPerCard, .emailsPerCard: "/payment/card"
    case .ordersPerEmail, .cardsPerEmail: "/customer/email"
    case .ordersPerAddress, .cardsPerAddress: "/shippingAddress"
    case .ordersPerClient, .cardsPerClient: ""
    }
  }

  var sentence: String {
    switch self {
    case .ordersPerCard: "Unusually many orders came with this card lately."
    case .ordersPerEmail: "Unusually many orders came from this mail address lately."
    case .ordersPerAddress: "Unusually many orders were to go to this address lately."
    case .ordersPerClient: "Unusually many orders came from this network address lately."
    case .cardsPerEmail: "Unusually many different cards were used with this mail address lately."
    case .cardsPerAddress: "Unusually many different cards paid for goods to this address lately."
    case .cardsPerClient: "Unusually many different cards were used from this network address lately."
    case .emailsPerCard: "This card was used with unusually many different mail addresses lately."
    }
  }
}

/// How many of something are usual.
package struct VelocityLimit: Sendable, Hashable {
  /// One minute … 30 days.
  package var window: Duration
  /// More than this within the window are suspicious. 1 … 10,000; of different cards or addresses 1 … 7.
  package var most: Int

  package init(window: Duration, most: Int) {
    self.window = window
    self.most = most
  }

  /// The greatest `most` of a group. One more different thing must be told apart, or it could never be passed.
  package static func most(_ group: VelocityKind.Group) -> Int {
    switch group {
    case .pace: 10_000
    case .spread: DistinctCounts.most - 1
    }
  }
}
