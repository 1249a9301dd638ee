import OrderDomain
import Testing
import TransactionRules

@Test(arguments: [
  "ada@example.org", "a@b.ee", "ada.lovelace+orders@mail.example.co.uk", "o'brien@example.ie",
  "õnne@näide.ee",
  "1815@example.org", "ada@xn--nide-loa.ee", "пётр@пример.рф",
])
func goodEmailAddresses(_ email: String) throws {
  #expect(try testRules().verifyBuyer(testOrder { $0.customer.email = email }) == [])
}

@Test(arguments: [
  "", "ada", "@", "ada@", "@example.org", "ada@example", "ada@@example.org", "a@b@example.org",
  "ada @example.org",
  "ada@exam ple.org", ".ada@example.org", "ada.@example.org", "a..da@example.org", "ada@.org", "ada@example.",
  "ada@-example.org", "ada@example-.org", "ada@127.0.0.1", "ada@example.o", "ada\n@example.org",
  "<ada@example.org>",
  "ada@example.org,bob@example.org", String(repeating: "a", count: 65) + "@example.org",
  "ada@" + String(repeating: "a", count: 64) + ".org", "ada@" + String(repeating: "a.", count: 130) + "org",
  "ada@example.org\u{0}", "\u{202E}ada@example.org",
])
func badEmailAddresses(_ email: String) throws {
  let findings = try testRules().verifyBuyer(testOrder { $0.customer.email = email })
  #expect(brief(findings) == ["email_invalid /customer/email"])
}

@Test(arguments: [
  ("EE", "50090"), ("DE", "10115"), ("US", "20500"), ("US", "20500-0003"), ("GB", "SW1A 1AA"),
  ("GB", "m1 1ae"),
  ("GB", "B338TH"), ("GB", "EC1A 1BB"), ("FR", "75001"), ("FI", "00100"), ("SE", "111 20"), ("SE", "11120"),
  ("LV", "LV-1010"), ("LV", "1010"), ("LT", "LT-01100"), ("LT", "01100"), ("NL", "1012 JS"), ("NL", "1012js"),
  ("PL", "00-001"), ("PT", "1000-001"), ("IE", "D02 X285"), ("CA", "K1A 0B1"), ("JP", "100-0001"),
  // No form is known for these: Hong Kong has no postal codes at all.
  ("HK", ""), ("PE", "anything-16-byte"), ("BR", "01310-100"), ("IS", "101"), ("MT", "vlt1117"),
  ("AR", "C1070AAM"), ("AR", "1070"), ("XK", "10000"),
])
func goodPostalCodes(country: String, code: String) throws {
  let order = testOrder {
    $0.billingAddress.country = country
    $0.billingAddress.postalCode = code
  }
  #expect(try testRules().verifyBuyer(order) == [])
}

@Test(arguments: [
  ("EE", ""), ("EE", "5009"), ("EE", "500900"), ("EE", "5009O"), ("EE", "٥٠٠٩٠"), ("DE", "1011"),
  ("US", "2050"),
  ("US", "20500-00"), ("GB", "12345"), ("GB", "SW1A"), ("LV", "LT-1010"), ("LT", "LT-0110"), ("NL", "1012"),
  ("NL", "JS 1012"), ("SE", "1112"), ("PL", "00001"),
  ("EE", String(repeating: " ", count: 100_000) + "50090"),
  ("PE", "seventeen bytes!!"), ("PE", "12\n34"), ("IS", "1010"), ("SI", "10000"),
])
func badPostalCodes(country: String, code: String) throws {
  let order = testOrder {
    $0.shippingAddress = Address(street: "Street 1", city: "City", postalCode: code, country: country)
  }
  let findings = try testRules().verifyBuyer(order)
  #expect(brief(findings) == ["postal_code_malformed /shippingAddress/postalCode"])
}

@Test(arguments: ["", "E", "EST", "ee", "Ee", "ÕÄ", "12", "E ", "🇪🇪"])
func badCountries(_ country: String) throws {
  let findings = try testRules().verifyBuyer(testOrder { $0.billingAddress.country = country })
  #expect(brief(findings) == ["country_malformed /billingAddress/country"])
}

struct TextCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let text: String
  /// What is wrong with it, as the last word of the rule's code; nil if nothing is.
  let fault: String?

  static let all: [TextCase] = [
    .init(testDescription: "short", text: "X", fault: nil),
    .init(testDescription: "200 scalars", text: String(repeating: "õ", count: 200), fault: nil),
    .init(testDescription: "another script", text: "佐藤 花子", fault: nil),
    .init(testDescription: "empty", text: "", fault: "missing"),
    .init(testDescription: "white space", text: " \t\u{3000}\n", fault: "missing"),
    .init(testDescription: "201 scalars", text: String(repeating: "x", count: 201), fault: "malformed"),
    .init(
      testDescription: "one character of 10,001 scalars",
      text: "e" + String(repeating: "\u{301}", count: 10_000),
      fault: "malformed"),
    .init(testDescription: "line break", text: "Ada\nLovelace", fault: "malformed"),
    .init(testDescription: "NUL", text: "Ada\u{0}", fault: "malformed"),
    .init(testDescription: "escape", text: "\u{1B}[31mAda", fault: "malformed"),
    .init(testDescription: "bidirectional override", text: "Ada \u{202E}ecalevoL", fault: "malformed"),
    .init(testDescription: "line separator", text: "Ada\u{2028}x", fault: "malformed"),
  ]
}

@Test(arguments: TextCase.all) func textFields(_ row: TextCase) throws {
  let rules = try testRules()
  let name = rules.verifyBuyer(testOrder { $0.customer.name = row.text })
  #expect(brief(name) == (row.fault.map { ["name_\($0) /customer/name"] } ?? []))
  let street = rules.verifyBuyer(testOrder { $0.billingAddress.street = row.text })
  #expect(brief(street) == (row.fault.map { ["address_field_\($0) /billingAddress/street"] } ?? []))
  let city = rules.verifyBuyer(testOrder { $0.billingAddress.city = row.text })
  #expect(brief(city) == (row.fault.map { ["address_field_\($0) /billingAddress/city"] } ?? []))
  let holder = rules.verifyCard(testCard(holder: row.text), now: today)
  #expect(brief(holder) == (row.fault.map { ["card_holder_\($0) /payment/card/holder"] } ?? []))
}

@Test(arguments: [
  (true, []), (false, ["terms_not_accepted /acceptTerms"]), (nil, ["terms_not_accepted /acceptTerms"]),
])
func terms(accepted: Bool?, expected: [String]) throws {
  #expect(brief(try testRules().verifyBuyer(testOrder { $0.acceptTerms = accepted })) == expected)
}

@Test func everyFaultIsNamedAtOnce() throws {
  let empty = Address(street: "", city: "", postalCode: "", country: "")
  let order = testOrder {
    $0.customer = Customer(name: "", email: "")
    $0.billingAddress = empty
    $0.shippingAddress = empty
    $0.acceptTerms = nil
  }
  #expect(
    brief(try testRules().verifyBuyer(order)) == [
      "name_missing /customer/name", "email_invalid /customer/email",
      "address_field_missing /billingAddress/street", "address_field_missing /billingAddress/city",
      "country_malformed /billingAddress/country", "address_field_missing /shippingAddress/street",
      "address_field_missing /shippingAddress/city", "country_malformed /shippingAddress/country",
      "terms_not_accepted /acceptTerms",
    ])
}

/// ISO 3166-1 has 249; XK is in use beside them.
@Test func everyAssignedCountryIsTaken() throws {
  let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
  let rules = try testRules()
  var known = 0
  for first in letters {
    for second in letters {
      let findings = rules.verifyBuyer(
        testOrder {
          $0.billingAddress.country = "\(first)\(second)"
          $0.billingAddress.postalCode = ""
        })
      if !findings.contains(where: { $0.code == "country_unknown" }) { known += 1 }
    }
  }
  #expect(known == 250)
}

@Test(arguments: ["ZZ", "AA", "UK", "EU", "SU", "YU"]) func countriesThatAreNone(code: String) throws {
  let order = testOrder {
    $0.billingAddress.country = code
    $0.billingAddress.postalCode = "\n"
  }
  // Which form the postal code should have is not known then, so there is one finding.
  #expect(brief(try testRules().verifyBuyer(order)) == ["country_unknown /billingAddress/country"])
}
