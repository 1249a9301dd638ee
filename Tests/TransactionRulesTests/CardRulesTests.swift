import CoreTime
import OrderDomain
import Testing
import TransactionRules

/// Numbers that the schemes and their processors publish for testing, with a CVV of the right length.
let publishedTestNumbers: [(number: String, cvv: String)] = [
  ("4111111111111111", "123"), ("4012888888881881", "123"), ("4222222222222", "123"),
  ("4111 1111 1111 1111", "123"), ("4111-1111-1111-1111", "123"), ("5555555555554444", "123"),
  ("5105105105105100", "123"), ("2223003122003222", "123"), ("378282246310005", "1234"),
  ("371449635398431", "1234"), ("6011111111111117", "123"), ("3530111333300000", "123"),
  ("30569309025904", "123"),
]

@Test(arguments: publishedTestNumbers) func goodCards(number: String, cvv: String) throws {
  #expect(try testRules().verifyCard(testCard(number: number, cvv: cvv), now: today) == [])
}

/// Luhn: every single wrong digit is found.
@Test(arguments: publishedTestNumbers) func aWrongDigitIsFound(number: String, cvv: String) throws {
  let rules = try testRules()
  let digits = number.filter(\.isNumber)
  for position in 0..<digits.count {
    var changed = Array(digits.utf8)
    changed[position] = (changed[position] - 48 + 1) % 10 + 48
    let findings = rules.verifyCard(
      testCard(number: String(decoding: changed, as: UTF8.self), cvv: cvv), now: today)
    #expect(findings.contains { $0.code == "card_number_invalid" })
  }
}

@Test(arguments: [
  ("", "card_number_malformed"), (" - ", "card_number_malformed"),
  ("4111x11111111111", "card_number_malformed"),
  ("٤١١١١١١١١١١١١١١١", "card_number_malformed"), ("４１１１１１１１１１１１１１１１", "card_number_malformed"),
  (String(repeating: "4", count: 100_000), "card_number_malformed"),
  ("4111111111111111" + String(repeating: " ", count: 60), "card_number_malformed"),
  ("0", "card_number_length_wrong"), ("41111111111", "card_number_length_wrong"),
  ("41111111111111111111", "card_number_length_wrong"), ("4111111111111112", "card_number_invalid"),
  // The check digit is right, the length is not one that visa and mastercard have.
  ("41111111111114", "card_number_length_wrong"), ("5555555555555557", "good"),
  ("555555555555558", "card_number_length_wrong"),
  // The check digit is right, nobody's range.
  ("9999999999999995", "card_brand_unknown"), ("0000000000000000", "card_brand_unknown"),
])
func cardNumbers(number: String, expected: String) throws {
  let findings = try testRules().verifyCard(testCard(number: number), now: today)
  #expect(brief(findings) == (expected == "good" ? [] : ["\(expected) /payment/card/number"]))
}

@Test(arguments: [
  ("12/30", nil), ("11/26", nil), ("11/46", nil), ("12/26", nil),
  ("10/26", "card_expired"), ("01/20", "card_expired"), ("01/00", "card_expired"), ("12/25", "card_expired"),
  ("12/46", "card_expiry_too_far"), ("12/99", "card_expiry_too_far"),
  ("", "card_expiry_malformed"), ("00/30", "card_expiry_malformed"), ("13/30", "card_expiry_malformed"),
  ("1/30", "card_expiry_malformed"), ("12/2030", "card_expiry_malformed"), ("12-30", "card_expiry_malformed"),
  ("12/3O", "card_expiry_malformed"), (" 2/30", "card_expiry_malformed"), ("12/30 ", "card_expiry_malformed"),
  ("-1/30", "card_expiry_malformed"), ("１２/30", "card_expiry_malformed"),
])
func expiries(expiry: String, expected: String?) throws {
  let findings = try testRules().verifyCard(testCard(expiry: expiry), now: today)
  #expect(brief(findings) == (expected.map { ["\($0) /payment/card/expiry"] } ?? []))
}

/// Valid through the last millisecond of its month in UTC, expired at the next.
@Test(arguments: [
  ("11/26", Int64(1_796_083_200_000)),  // 2026-12-01T00:00:00Z
  ("12/26", 1_798_761_600_000),  // 2027-01-01T00:00:00Z
  ("02/28", 1_835_481_600_000),  // 2028-03-01T00:00:00Z, a leap year
])
func theLastDayOfTheMonthCounts(expiry: String, firstInstantAfter: Int64) throws {
  let rules = try testRules()
  let card = testCard(expiry: expiry)
  #expect(rules.verifyCard(card, now: Timestamp(milliseconds: firstInstantAfter - 1)) == [])
  let after = rules.verifyCard(card, now: Timestamp(milliseconds: firstInstantAfter))
  #expect(brief(after) == ["card_expired /payment/card/expiry"])
}

@Test(arguments: [
  ("4111111111111111", "123", true), ("4111111111111111", "000", true), ("4111111111111111", "1234", false),
  ("4111111111111111", "12", false), ("4111111111111111", "", false), ("4111111111111111", "12a", false),
  ("4111111111111111", "１２３", false), ("4111111111111111", "123 ", false), ("378282246310005", "1234", true),
  ("378282246310005", "123", false), ("4111111111111111", String(repeating: "1", count: 100_000), false),
])
func securityCodes(number: String, cvv: String, good: Bool) throws {
  let findings = try testRules().verifyCard(testCard(number: number, cvv: cvv), now: today)
  #expect(brief(findings) == (good ? [] : ["card_cvv_malformed /payment/card/cvv"]))
}

@Test(arguments: [Int64.min, -1, 0, Int64.max]) func anyTimeIsTaken(_ milliseconds: Int64) throws {
  let findings = try testRules().verifyCard(testCard(), now: Timestamp(milliseconds: milliseconds))
  #expect(findings.count == 1)
}
