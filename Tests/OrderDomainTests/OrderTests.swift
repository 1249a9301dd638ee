import FoundationEssentials
import OrderDomain
import Testing

private func order(priority: Int? = nil, method: String? = nil) -> OrderRequest {
  OrderRequest(
    customer: Customer(name: "Ada Lovelace", email: "ada@example.org"),
    items: [OrderItem(sku: "book-dune", quantity: 2)],
    billingAddress: Address(street: "Ülikooli 18", city: "Tartu", postalCode: "50090", country: "EE"),
    shipping: method.map(Shipping.init(method:)),
    payment: Payment(
      card: Card(holder: "Ada Lovelace", number: "4111-1111 11111111", expiry: "12/30", cvv: "7391")),
    acceptTerms: true, priority: priority)
}

/// However it is printed, alone or inside of something else, a card shows its brand and nothing more.
@Test func aCardNeverShowsItsDigits() {
  let order = order()
  let card = order.payment.card
  var dumped = ""
  dump(order, to: &dumped)
  let texts = [
    "\(card)", String(describing: card), String(reflecting: card), card.debugDescription, "\(order)",
    String(reflecting: order), "\(order.payment)", "\([card])", "\(["card": card])",
    "\(Optional(card) as Any)",
    String(describing: Mirror(reflecting: card).children.map(\.value)), dumped,
  ]
  for text in texts {
    for secret in ["4111", "1111", "7391", "12/30"] { #expect(!text.contains(secret), "\(text)") }
  }
  #expect(card.description == "Card(visa, redacted)")
}

@Test(arguments: [
  ("4111111111111111", CardBrand.visa), ("5555555555554444", .mastercard), ("2223003122003222", .mastercard),
  ("2221000000000009", .mastercard), ("2220990000000000", .unknown), ("2720990000000000", .mastercard),
  ("2721000000000000", .unknown), ("378282246310005", .amex), ("341111111111111", .amex),
  ("6011111111111117", .discover), ("6500000000000002", .discover), ("3530111333300000", .jcb),
  ("6221260000000000", .discover), ("6229259999999999", .discover), ("6229260000000000", .unknown),
  ("30569309025904", .diners), ("38520000023237", .diners), ("30950000000000", .diners),
  ("30960000000000", .unknown), ("4111 11", .visa), ("41111", .unknown),
  ("", .unknown),
  ("0000000000000000", .unknown), ("x4x1x1x1x1x1", .visa), ("４１１１１１１１", .unknown),
])
func brands(number: String, expected: CardBrand) {
  #expect(CardBrand(number: number) == expected)
}

@Test(
  arguments: [
    (0, nil, 0), (9, nil, 9), (0, "economy", 0), (nil, "express", 2), (nil, "standard", 5),
    (nil, "economy", 7),
    (nil, "drone", 5), (nil, nil, 5), (Int.max, nil, 9), (Int.min, nil, 0),
  ] as [(Int?, String?, Int)])
func priorities(asked: Int?, method: String?, expected: Int) {
  #expect(PriorityPolicy.standard.priority(of: order(priority: asked, method: method)).level == expected)
}

@Test func prioritiesOutsideTheRangeAreNone() throws {
  #expect(Priority(-1) == nil && Priority(10) == nil && Priority(.max) == nil)
  #expect(Priority(0)?.level == 0 && Priority(9)?.level == 9)
  #expect(try JSONDecoder().decode([Priority].self, from: Data("[0, 9]".utf8)).map(\.level) == [0, 9])
  #expect(throws: DecodingError.self) { try JSONDecoder().decode([Priority].self, from: Data("[10]".utf8)) }
}

@Test func anOrderSurvivesJSONAndNeedsNothingOptional() throws {
  let full = order(priority: 3, method: "express")
  #expect(try JSONDecoder().decode(OrderRequest.self, from: JSONEncoder().encode(full)) == full)
  let bare = order()
  let read = try JSONDecoder().decode(OrderRequest.self, from: JSONEncoder().encode(bare))
  #expect(read == bare)
  #expect(read.shipping == nil && read.priority == nil && read.currency == nil && read.shippingAddress == nil)
}

@Test(
  arguments: [
    ([CatalogItem(sku: "a", title: "A", price: 0)], []), ([], ["items"]),
    ([.init(sku: "", title: "A", price: 1)], ["items[0].sku"]),
    ([.init(sku: String(repeating: "x", count: 65), title: "A", price: 1)], ["items[0].sku"]),
    ([.init(sku: "a", title: "A", price: -1)], ["items[0].price"]),
    (
      [.init(sku: "a", title: "A", price: 1), .init(sku: "a", title: "B", price: .min)],
      ["items[1].sku", "items[1].price"]
    ),
  ] as [([CatalogItem], [String])])
func catalogProblems(items: [CatalogItem], fields: [String]) throws {
  let problems = Catalog(currency: try #require(Currency("EUR")), items: items).problems()
  #expect(problems.map { String($0.prefix { $0 != ":" }) } == fields)
}
