import FraudRules
import OrderDomain
import Testing

@Test(
  arguments: [
    ("198.51.100.7", "198.51.100.7"), ("10.1.2.3", nil), ("127.0.0.1", nil), ("172.15.0.1", "172.15.0.1"),
    ("172.16.0.1", nil), ("172.31.255.255", nil), ("172.32.0.1", "172.32.0.1"), ("192.168.1.1", nil),
    ("169.254.1.1", nil), ("0.0.0.0", nil), ("::1", nil), ("::", nil), ("fe80::1%eth0", nil),
    ("fd00::1", nil),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"), ("2001:DB8:1:2::1", "2001:db8:1:2"),
    ("2001:db8::1", "2001:db8:0:0"), ("::ffff:198.51.100.7", "198.51.100.7"), ("::ffff:10.0.0.1", nil),
    ("2001:db8:1:2:3:4:198.51.100.7", "2001:db8:1:2"), ("1.2.3", nil), ("1.2.3.256", nil), ("1.2.3.4.5", nil),
    ("", nil), (":", nil), (":::", nil), ("1::2::3", nil), ("12345::", nil), ("+1::", nil),
    ("localhost", nil),
    ("1:2:3:4:5:6:7", nil), ("1:2:3:4:5:6:7:8:9", nil), ("1:2:3:4::5:6:7:8", nil),
  ] as [(String, String?)])
func clientAddresses(text: String, network: String?) {
  #expect(ClientAddress(text)?.network == network)
}

@Test func smallDifferencesMakeNoOtherTrace() {
  let order = testOrder {
    $0.payment.card.number = "4111 1111-1111 1111"
    $0.customer.email = "ADA+shop@Example.org"
    $0.billingAddress.street = "ÜLIKOOLI  18"
    $0.billingAddress.city = "Tartu linn"
  }
  let (texts, plain) = (TraceTexts(order, client: "10.0.0.1"), TraceTexts(testOrder()))
  #expect(texts.card == "4111111111111111" && texts.card == plain.card)
  #expect(texts.email == "ada@example.org" && texts.email == plain.email)
  #expect(texts.address == "ülikooli18|50090|ee" && texts.address == plain.address)
  #expect(texts.client == nil)
  let elsewhere = TraceTexts(
    testOrder {
      $0.shippingAddress = Address(street: "Ülikooli 1", city: "Tartu", postalCode: "850090", country: "EE")
    })
  #expect(elsewhere.address != plain.address)
}

private func table(_ rows: [(String, String, String)]) throws -> CardRanges {
  try CardRanges.make(
    rows.map { try #require(CardRanges.Range(first: $0.0, last: $0.1, country: $0.2)) }
  ).get()
}

@Test func cardCountries() throws {
  let ranges = try table([("4012", "4015", "EE"), ("40160000", "40160000", "LV"), ("9", "9", "FI")])
  let cases: [(String, String?)] = [
    ("4012 0000 0000 0000", "EE"), ("4015999912345678", "EE"), ("4011999912345678", nil),
    ("4016000012345678", "LV"), ("4016000112345678", nil), ("9999999999999999", "FI"), ("4012", nil),
    ("", nil),
  ]
  for (number, country) in cases { #expect(ranges.country(of: number) == country, "\(number)") }
  #expect(CardRanges().country(of: "4012000000000000") == nil)
}

@Test func rangesThatOverlapAreRefused() throws {
  #expect(throws: CardRanges.Overlap.self) { try table([("4012", "4015", "EE"), ("40150", "40159", "LV")]) }
}

@Test(arguments: [
  ("", "", "EE"), ("4013", "4012", "EE"), ("401", "4012", "EE"), ("40x2", "4012", "EE"),
  ("401200001", "401200002", "EE"), ("4012", "4012", "ee"), ("4012", "4012", "EST"),
])
func badRanges(first: String, last: String, country: String) {
  #expect(CardRanges.Range(first: first, last: last, country: country) == nil)
}

@Test(arguments: [("EE", "EE"), ("EE", "LV"), ("LV", "EE")])
func theCardsCountryIsComparedWithTheInvoice(billing: String, card: String) throws {
  let policy = try testPolicy { $0.cardRanges = try table([("4111", "4111", card)]) }
  let order = testOrder { $0.billingAddress.country = billing }
  let found = codes(FraudRules(policy: policy).screenPayment(order, amount: try euros(1_000)))
  #expect(found == (billing == card ? [] : ["card_country_mismatch"]))
}
