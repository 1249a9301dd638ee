import OrderDomain
import OrderWire
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is said about an `order.json` that is not shaped like one.
struct OrderDocumentTests {
  private static let good = """
    {"customer": {"name": "Ada", "email": "ada@example.org"}, "items": [{"sku": "x", "quantity": 2}],
     "billingAddress": {"street": "S", "city": "C", "postalCode": "P", "country": "EE"},
     "payment": {"card": {"holder": "Ada", "number": "4111111111111111", "expiry": "12/30", "cvv": "123"}}}
    """

  @Test func aMinimalOrderIsRead() throws {
    let order = try OrderDocument.decode(Data(Self.good.utf8))
    #expect(order.items == [OrderItem(sku: "x", quantity: 2)])
    #expect(order.shipping == nil && order.acceptTerms == nil && order.total == nil)
  }

  @Test(arguments: [
    (#""name": "Ada", "#, "", "/customer/name", "is missing"),
    (#""quantity": 2"#, #""quantity": "2""#, "/items/0/quantity", "must be a whole number"),
    (
      #"[{"sku": "x", "quantity": 2}]"#, #"[{"sku": "x", "quantity": 1}, {"quantity": 1}]"#, "/items/1/sku",
      "is missing"
    ),
    (#"[{"sku": "x", "quantity": 2}]"#, "7", "/items", "must be a list"),
    (#""cvv": "123""#, #""cvv": 123"#, "/payment/card/cvv", "must be text"),
    (#""city": "C""#, #""city": null"#, "/billingAddress/city", "must be text, not null"),
    (#""payment": {"#, #""acceptTerms": "yes", "payment": {"#, "/acceptTerms", "must be true or false"),
    (#""payment": {"#, #""shipping": "fast", "payment": {"#, "/shipping", "must be an object"),
  ])
  func theFieldIsNamedAsAPointer(_ old: String, _ new: String, _ pointer: String, _ problem: String) throws {
    #expect(Self.good.contains(old))
    let error = #expect(throws: ServiceError.self) {
      try OrderDocument.decode(Data(Self.good.replacing(old, with: new).utf8))
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.details["field"] == pointer)
    #expect(error?.message == "\(pointer) \(problem)")
    #expect(error?.message.contains("4111") == false)
  }

  /// RFC 8259 §4 does not say which of two members with one name counts.
  @Test(
    arguments: [
      (#""quantity": 2"#, #""quantity": 2, "quantity": 3"#, "/items/0/quantity"),
      (#"[{"sku": "x", "quantity": 2}]"#, #"[{"sku": "x", "quantity": 2}], "items": []"#, "/items"),
      (#""cvv": "123""#, #""cvv": "123", "\u0063vv": "124""#, "/payment/card/cvv"),
      (#""payment": {"#, #""note": [{}, {"a/b": 1, "c": [[]], "a/b": "}"}], "payment": {"#, "/note/1/a~1b"),
      (#""payment": {"#, #""\ud83d\ude00": 1, "\ud83d\ude00": 2, "payment": {"#, nil),
    ] as [(String, String, String?)])
  func aMemberThatStandsTwiceIsRefused(_ old: String, _ new: String, _ pointer: String?) {
    #expect(Self.good.contains(old))
    let error = #expect(throws: ServiceError.self) {
      try OrderDocument.decode(Data(Self.good.replacing(old, with: new).utf8))
    }
    #expect(error?.code == .invalidArgument)
    if let pointer { #expect(error?.details["field"] == pointer) }
    #expect(error?.details["problem"]?.contains("twice") == true)
  }

  @Test func oneNameInSeveralObjectsIsNoDuplicate() throws {
    let same =
      #""note": {"a": {"a": {"a": "a"}}, "b\"": "{\"a\": 1, \"a\"", "b": [{"a": 1}, {"a": 1}]}, "payment": {"#
    _ = try OrderDocument.decode(Data(Self.good.replacing(#""payment": {"#, with: same).utf8))
    let many = (0..<5_000).map { "\"n\($0)\": 0, " }.joined()
    _ = try OrderDocument.decode(
      Data(Self.good.replacing(#""payment": {"#, with: many + #""payment": {"#).utf8))
    #expect(throws: ServiceError.self) {
      try OrderDocument.decode(
        Data(Self.good.replacing(#""payment": {"#, with: many + many + #""payment": {"#).utf8))
    }
  }

  @Test(
    arguments: ["1.5", "-0.5", "1e30", "-1e30", "9223372036854775808", "1e400"],
    [
      (#""quantity": 2"#, #""quantity": "#, "", "/items/0/quantity"),
      (#""payment": {"#, #""total": "#, #", "payment": {"#, "/total"),
      (#""payment": {"#, #""priority": "#, #", "payment": {"#, "/priority"),
    ])
  func aNumberThatIsNotWholeOrTooLargeIsNamed(
    _ number: String, _ place: (old: String, before: String, after: String, pointer: String)
  ) {
    #expect(Self.good.contains(place.old))
    let text = Self.good.replacing(place.old, with: place.before + number + place.after)
    let error = #expect(throws: ServiceError.self) { try OrderDocument.decode(Data(text.utf8)) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.details["field"] == place.pointer)
    #expect(error?.message.hasPrefix("\(place.pointer) must be a whole number") == true)
  }

  @Test(arguments: ["2", "2.0", "2e0", "9223372036854775807"]) func aWholeNumberIsTakenHoweverItIsWritten(
    _ number: String
  )
    throws
  {
    let text = Self.good.replacing(#""quantity": 2"#, with: #""quantity": \#(number)"#)
    #expect(try OrderDocument.decode(Data(text.utf8)).items.first?.quantity == (Int(number) ?? 2))
  }

  @Test(arguments: [
    "", "{", "order", #"{"customer": }"#, OrderDocumentTests.good.replacing("2}", with: "02}"),
  ]) func whatIsNotJSONIsMalformed(_ text: String) {
    let error = #expect(throws: ServiceError.self) { try OrderDocument.decode(Data(text.utf8)) }
    #expect(error?.code == .malformedBody)
    #expect(error?.message.hasPrefix("the body is not JSON") == true)
  }

  @Test func anotherKindOfJSONIsNotAnOrder() {
    let error = #expect(throws: ServiceError.self) { try OrderDocument.decode(Data("[1]".utf8)) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message == "the body must be an object")
  }

  @Test func limitsAreTold() {
    let large = #expect(throws: ServiceError.self) {
      try OrderDocument.decode(Data(repeating: UInt8(ascii: " "), count: OrderDocument.maximumSize + 1))
    }
    #expect(large?.code == .bodyTooLarge)
    #expect(large?.message.contains("\(OrderDocument.maximumSize + 1) bytes") == true)

    let long = String(repeating: "x", count: WireLimit.text + 1)
    let text = #expect(throws: ServiceError.self) {
      try OrderDocument.decode(Data(Self.good.replacing(#""city": "C""#, with: #""city": "\#(long)""#).utf8))
    }
    #expect(text?.details["field"] == "/billingAddress/city")

    let items = Array(repeating: #"{"sku": "x", "quantity": 1}"#, count: WireLimit.orderItems + 1)
    let many = #expect(throws: ServiceError.self) {
      try OrderDocument.decode(
        Data(Self.good.replacing(#"{"sku": "x", "quantity": 2}"#, with: items.joined(separator: ",")).utf8))
    }
    #expect(many?.message == "/items holds 1001 items; at most 1000 are taken")
  }

  @Test(arguments: [
    (#""name": "Ada""#, #""name": "4111111111111111""#, "/customer/name"),
    (#""street": "S""#, #""street": "card 4111 1111-1111 1111, thanks""#, "/billingAddress/street"),
    (#""holder": "Ada""#, #""holder": "4111.1111.1111.1111""#, "/payment/card/holder"),
    (#""sku": "x""#, #""sku": "4111111111111111""#, "/items/0/sku"),
    (#""quantity": 2"#, #""quantity": 4111111111111111"#, "/items/0/quantity"),
    (#""city": "C""#, #""city": "４１１１１１１１１１１１１１１１""#, "/billingAddress/city"),
  ]) func theCardsNumberStandsNowhereElse(_ old: String, _ new: String, _ pointer: String) {
    #expect(Self.good.contains(old))
    let error = #expect(throws: ServiceError.self) {
      try OrderDocument.decode(Data(Self.good.replacing(old, with: new).utf8))
    }
    #expect(error?.code == .invalidArgument)
    #expect(error?.details["field"] == pointer)
    #expect(error?.message.contains("must not contain the card's number") == true)
    #expect(error?.message.contains("1111") == false)
  }

  @Test func otherDigitsAndShortNumbersMayStandAnywhere() throws {
    let other = Self.good.replacing(#""street": "S""#, with: #""street": "4111 1111 1111 1112""#)
    #expect(try OrderDocument.decode(Data(other.utf8)).billingAddress.street == "4111 1111 1111 1112")
    let short = Self.good.replacing("4111111111111111", with: "12345678901")
      .replacing(#""street": "S""#, with: #""street": "12345678901""#)
    #expect(try OrderDocument.decode(Data(short.utf8)).billingAddress.street == "12345678901")
    let none = Self.good.replacing("4111111111111111", with: "")
    #expect(try OrderDocument.decode(Data(none.utf8)).payment.card.number.isEmpty)
  }
}
