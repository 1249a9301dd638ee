/// What a customer asks for: the body of `POST /v1/orders`. Holds a card number, so it lives in memory only.
///
/// Its shape is checked when it is decoded (`OrderWire.OrderDocument`); whether it makes sense is for the checks
/// to say.
package struct OrderRequest: Sendable, Hashable, Codable {
  package var customer: Customer
  package var items: [OrderItem]
  package var billingAddress: Address
  /// Where to send it; the billing address when absent.
  package var shippingAddress: Address?
  package var shipping: Shipping?
  package var payment: Payment
  package var acceptTerms: Bool?
  /// ISO 4217; the catalog's when absent. As text, because a wrong one is for event a to reject.
  package var currency: String?
  /// What the customer was shown, in minor units; compared with the catalog's prices when present.
  package var total: Int64?
  /// 0 (most urgent) … 9; derived by `PriorityPolicy` when absent.
  package var priority: Int?

  package init(
    customer: Customer, items: [OrderItem], billingAddress: Address, shippingAddress: Address? = nil,
    shipping: Shipping? = nil, payment: Payment, acceptTerms: Bool? = nil, currency: String? = nil,
    total: Int64? = nil, priority: Int? = nil
  ) {
    self.customer = customer
    self.items = items
    self.billingAddress = billingAddress
    self.shippingAddress = shippingAddress
    self.shipping = shipping
    self.payment = payment
    self.acceptTerms = acceptTerms
    self.currency = currency
    self.total = total
    self.priority = priority
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    customer = try container.decode(Customer.self, forKey: .customer)
    items = try container.decode([OrderItem].self, forKey: .items)
    billingAddress = try container.decode(Address.self, forKey: .billingAddress)
    shippingAddress = try container.decodeIfPresent(Address.self, forKey: .shippingAddress)
    shipping = try container.decodeIfPresent(Shipping.self, forKey: .shipping)
    payment = try container.decode(Payment.self, forKey: .payment)
    acceptTerms = try container.decodeIfPresent(Bool.self, forKey: .acceptTerms)
    currency = try container.decodeIfPresent(String.self, forKey: .currency)
    total = try container.wholeNumberIfPresent(Int64.self, forKey: .total)
    priority = try container.wholeNumberIfPresent(Int.self, forKey: .priority)
  }
}

package struct Customer: Sendable, Hashable, Codable {
  package var name: String
  package var email: String

  package init(name: String, email: String) {
    self.name = name
    self.email = email
  }
}

package struct OrderItem: Sendable, Hashable, Codable {
  package var sku: String
  package var quantity: Int

  package init(sku: String, quantity: Int) {
    self.sku = sku
    self.quantity = quantity
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    sku = try container.decode(String.self, forKey: .sku)
    quantity = try container.wholeNumber(Int.self, forKey: .quantity)
  }
}

package struct Address: Sendable, Hashable, Codable {
  package var street: String
  package var city: String
  package var postalCode: String
  /// ISO 3166-1 alpha-2, capital letters.
  package var country: String

  package init(street: String, city: String, postalCode: String, country: String) {
    self.street = street
    self.city = city
    self.postalCode = postalCode
    self.country = country
  }
}

package struct Shipping: Sendable, Hashable, Codable {
  /// `express`, `standard` or `economy`.
  package var method: String

  package init(method: String) { self.method = method }
}

package struct Payment: Sendable, Hashable, Codable {
  package var card: Card

  package init(card: Card) { self.card = card }
}

/// A payment card as it was typed in. **In memory only**: never stored, logged, queued or sent to fulfilment.
package struct Card: Sendable, Hashable, Codable {
  package var holder: String
  /// Digits, possibly with spaces or hyphens between them.
  package var number: String
  /// `MM/YY`
  package var expiry: String
  package var cvv: String

  package init(holder: String, number: String, expiry: String, cvv: String) {
    self.holder = holder
    self.number = number
    self.expiry = expiry
    self.cvv = cvv
  }
}

extension Card: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Never the number: a card that slips into a log line or a failed expectation shows its brand alone.
  package var description: String { "Card(\(CardBrand(number: number).rawValue), redacted)" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// What may be stored and shown of a card.
package struct CardSummary: Sendable, Hashable, Codable {
  package var brand: CardBrand
  /// The last four digits.
  package var lastFour: String
  /// HMAC-SHA-256 of the digits under a key of this installation, 16 bytes in hexadecimal: equal for equal cards.
  package var fingerprint: String

  package init(brand: CardBrand, lastFour: String, fingerprint: String) {
    self.brand = brand
    self.lastFour = lastFour
    self.fingerprint = fingerprint
  }
}

/// Card schemes by issuer identification number (ISO/IEC 7812 ranges as published by the schemes).
package enum CardBrand: String, Sendable, Hashable, Codable, CaseIterable {
  case visa, mastercard, amex, discover, jcb, diners, unknown

  /// By the leading digits of `number`; anything but digits is skipped.
  package init(number: String) {
    let digits = number.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let prefix = digits.prefix(6).reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    guard digits.count >= 6 else {
      self = .unknown
      return
    }
    self =
      switch prefix {
      case 400_000...499_999: .visa
      case 510_000...559_999, 222_100...272_099: .mastercard
      case 340_000...349_999, 370_000...379_999: .amex
      case 601_100...601_199, 622_126...622_925, 644_000...659_999: .discover
      case 352_800...358_999: .jcb
      case 300_000...305_999, 309_500...309_599, 360_000...369_999, 380_000...399_999: .diners
      default: .unknown
      }
  }
}
