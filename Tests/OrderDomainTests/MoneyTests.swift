import FoundationEssentials
import OrderDomain
import Testing

private func money(_ minorUnits: Int64, _ code: String = "EUR") throws -> Money {
  Money(minorUnits: minorUnits, currency: try #require(Currency(code)))
}

@Test(arguments: [
  (Int64(0), "EUR", "0.00 EUR"), (5, "EUR", "0.05 EUR"), (2_998, "EUR", "29.98 EUR"),
  (-5, "EUR", "-0.05 EUR"),
  (-12_345, "EUR", "-123.45 EUR"), (1_500, "JPY", "1500 JPY"), (0, "JPY", "0 JPY"),
  (1_234, "KWD", "1.234 KWD"),
  (1, "KWD", "0.001 KWD"), (.max, "EUR", "92233720368547758.07 EUR"),
  (.min, "EUR", "-92233720368547758.08 EUR"),
])
func amountsAreWrittenWithTheirDecimals(minorUnits: Int64, code: String, expected: String) throws {
  #expect(try money(minorUnits, code).description == expected)
}

@Test func sumsAndProductsThatDoNotFitAreNil() throws {
  #expect(try money(.max).adding(money(1)) == nil)
  #expect(try money(.min).adding(money(-1)) == nil)
  #expect(try money(.max).adding(money(.min)) == money(-1))
  #expect(try money(.max).multiplied(by: 2) == nil)
  #expect(try money(.min).multiplied(by: -1) == nil)
  #expect(try money(.max).multiplied(by: 1) == money(.max))
  #expect(try money(1_299).multiplied(by: 2) == money(2_598))
  #expect(try money(1_299).adding(money(1)) == money(1_300))
}

@Test func currenciesAreNotAddedToEachOther() throws {
  #expect(try money(1).adding(money(1, "USD")) == nil)
  #expect(try money(1) != money(1, "USD"))
}

@Test(arguments: ["", "EU", "EURO", "eur", "EU1", "€", "ÄÖÜ", "E R", "EUR\n"]) func noCurrency(_ code: String)
  throws
{
  #expect(Currency(code) == nil)
  let data = try JSONEncoder().encode(code)
  #expect(throws: DecodingError.self) { try JSONDecoder().decode(Currency.self, from: data) }
}
