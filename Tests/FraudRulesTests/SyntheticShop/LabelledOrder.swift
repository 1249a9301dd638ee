import CoreTime
import OrderDomain

/// Who is behind an order of the synthetic shop. This is what the rules are to find out.
enum Buyer: String, CaseIterable, Sendable {
  // Honest.
  case regular
  /// Shares address, line and often the card; not all have the same name.
  case family
  /// Has goods sent to a hotel in another country.
  case traveller
  /// Has goods sent to somebody else, often abroad.
  case gift
  /// Large quantities and amounts, several orders a day; an employee's card.
  case business
  /// Many people of one street address behind one network address.
  case dormitory
  /// Gives a throw-away mail address for the sake of privacy.
  case discreet = "discreet buyer"
  /// A first order of something dear, often by express.
  case splurge

  // Fraud.
  /// Tries many stolen cards with small orders.
  case cardTesting = "card testing"
  /// A ring: stolen cards of other countries, a drop address, dear goods that sell easily.
  case ring
  /// One order, everything as it should be but the address.
  case careful = "careful thief"
  /// Orders from a customer's account to another address.
  case takeover = "account takeover"

  var isFraud: Bool {
    switch self {
    case .regular, .family, .traveller, .gift, .business, .dormitory, .discreet, .splurge: false
    case .cardTesting, .ring, .careful, .takeover: true
    }
  }
}

/// An order of the synthetic shop with the truth about it.
struct LabelledOrder: Sendable {
  let buyer: Buyer
  let at: Timestamp
  let request: OrderRequest
  /// The network address it came from.
  let client: String
  let amount: Money
}

/// Something that the synthetic shop sells.
struct Ware: Sendable {
  let sku: String
  /// Cents.
  let price: Int64

  static let books = (1...40).map { Ware(sku: "book-\($0)", price: 700 + 90 * Int64($0)) }
  static let goods = (1...20).map { Ware(sku: "goods-\($0)", price: 900 + 600 * Int64($0)) }
  /// What thieves like: small, dear, easily sold on.
  static let gadgets = [
    Ware(sku: "gadget-earphones", price: 19_900), Ware(sku: "gadget-watch", price: 39_900),
    Ware(sku: "gadget-phone", price: 79_900), Ware(sku: "gadget-camera", price: 109_900),
    Ware(sku: "gadget-laptop", price: 149_900),
  ]
}

/// A person with a home, a mail address and a card.
struct Person: Sendable {
  var name: String
  var email: String
  var home: Address
  var card: Card
  var client: String
}
