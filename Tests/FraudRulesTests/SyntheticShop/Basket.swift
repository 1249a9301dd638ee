import CoreTime
import OrderDomain

/// Puts the orders of the synthetic shop together.
struct SyntheticShop {
  static let days = 60
  private static let start: Int64 = 1_795_348_800_000

  var people: People
  private let currency: Currency
  private(set) var orders: [LabelledOrder] = []

  init(seed: UInt64, currency: Currency) {
    people = People(seed: seed)
    self.currency = currency
  }

  /// A moment of the sixty days, in seconds; more orders come in the evening.
  mutating func moment(from first: Int = 0) -> Int {
    let day = people.number(min(first, Self.days - 1)...Self.days - 1)
    let hour = people.chance(60) ? people.number(16...22) : people.number(7...23)
    return day * 86_400 + hour * 3_600 + people.number(0...3_599)
  }

  mutating func basket(_ wares: [Ware], lines: ClosedRange<Int>, each: ClosedRange<Int>) -> [(Ware, Int)] {
    (0..<people.number(lines)).map { _ in (people.pick(wares), people.number(each)) }
  }

  /// Books and small things, as most people buy them.
  mutating func ordinaryBasket() -> [(Ware, Int)] {
    basket(people.chance(70) ? Ware.books : Ware.goods, lines: 1...4, each: 1...2)
  }

  /// `at` in seconds after the start. `name`, `to` and `card` differ from the person's own where given.
  mutating func add(
    _ buyer: Buyer, _ person: Person, at seconds: Int, _ basket: [(Ware, Int)], to target: Address? = nil,
    card: Card? = nil, method: String = "standard", client: String? = nil
  ) {
    let items = basket.map { OrderItem(sku: $0.0.sku, quantity: $0.1) }
    let cents = basket.reduce(Int64(0)) { $0 + $1.0.price * Int64($1.1) }
    let request = OrderRequest(
      customer: Customer(name: person.name, email: person.email), items: items, billingAddress: person.home,
      shippingAddress: target, shipping: Shipping(method: method),
      payment: Payment(card: card ?? person.card), acceptTerms: true)
    orders.append(
      LabelledOrder(
        buyer: buyer, at: Timestamp(milliseconds: Self.start + Int64(seconds) * 1_000), request: request,
        client: client ?? person.client, amount: Money(minorUnits: cents, currency: currency)))
  }

  /// Everything that came to the shop, in the order in which it came.
  static func orders(seed: UInt64) throws -> [LabelledOrder] {
    struct NoCurrency: Error {}
    guard let euro = Currency("EUR") else { throw NoCurrency() }
    var shop = SyntheticShop(seed: seed, currency: euro)
    let regulars = shop.addHonestOrders()
    shop.addFraud(regulars: regulars)
    return shop.orders.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
      .map(\.element)
  }
}
