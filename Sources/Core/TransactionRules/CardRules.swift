package import CoreTime
package import OrderDomain

extension TransactionRules {
  /// How far in the future a card may expire, in years; schemes issue cards for less.
  package static let maxYearsToExpiry = 20

  /// Event c: the card as it was typed in, at the time `now`. At most one finding for each of its fields, and
  /// none of them repeats what was typed.
  package func verifyCard(_ card: Card, now: Timestamp) -> [Finding] {
    let brand = CardBrand(number: String(decoding: card.number.utf8.prefix(64), as: UTF8.self))
    return [
      holderFinding(card), numberFinding(card, brand), expiryFinding(card, now), cvvFinding(card, brand),
    ]
    .compactMap { $0 }
  }

  private func holderFinding(_ card: Card) -> Finding? {
    let field = "/payment/card/holder"
    return switch TextShape(card.holder, limit: Self.maxTextLength) {
    case .good: nil
    case .blank: .init(.cardHolderMissing, field, "Give the name that stands on the card.")
    case .tooLong, .unprintable:
      .init(
        .cardHolderMalformed, field,
        plainTextSentence("card holder")
      )
    }
  }

  private func numberFinding(_ card: Card, _ brand: CardBrand) -> Finding? {
    let field = "/payment/card/number"
    let bytes = Array(card.number.utf8.prefix(65))
    let digits = bytes.filter(isDigit)
    let separators: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "-")]
    guard bytes.count <= 64, !digits.isEmpty, bytes.allSatisfy({ isDigit($0) || separators.contains($0) })
    else {
      return .init(
        .cardNumberMalformed, field,
        "The card number is made of digits, possibly with spaces or hyphens between them.")
    }
    guard (12...19).contains(digits.count) else {
      return .init(
        .cardNumberLengthWrong, field, "A card number has 12 to 19 digits; check that it is complete.")
    }
    guard isLuhnValid(digits) else {
      return .init(
        .cardNumberInvalid, field,
        "The card number's check digit is wrong; check the number for a typing mistake.")
    }
    guard let lengths = brand.numberLengths else {
      let names = CardBrand.allCases.filter { $0 != .unknown }.map(\.rawValue).joined(separator: ", ")
      return .init(.cardBrandUnknown, field, "This kind of card is not accepted; use one of: \(names).")
    }
    guard lengths.contains(digits.count) else {
      return .init(
        .cardNumberLengthWrong, field,
        "The number has not as many digits as a \(brand.rawValue) card has; check it.")
    }
    return nil
  }

  /// A card is valid through the last day of the month on it, here in UTC.
  private func expiryFinding(_ card: Card, _ now: Timestamp) -> Finding? {
    let field = "/payment/card/expiry"
    let bytes = Array(card.expiry.utf8.prefix(6))
    guard bytes.count == 5, bytes[2] == UInt8(ascii: "/"), let month = twoDigits(bytes[0], bytes[1]),
      (1...12).contains(month), let yearOfCentury = twoDigits(bytes[3], bytes[4])
    else {
      return .init(
        .cardExpiryMalformed, field, "The expiry has the form MM/YY with a month from 01 to 12, as in 09/30.")
    }
    let today = CivilDate(now)
    let monthsLeft = (2_000 + yearOfCentury) * 12 + month - (today.year * 12 + today.month)
    if monthsLeft < 0 {
      return .init(.cardExpired, field, "The card has expired; use one that is valid this month or longer.")
    }
    if monthsLeft > Self.maxYearsToExpiry * 12 {
      return .init(
        .cardExpiryTooFar, field,
        "The expiry is more than \(Self.maxYearsToExpiry) years ahead; check it for a typing mistake.")
    }
    return nil
  }

  private func cvvFinding(_ card: Card, _ brand: CardBrand) -> Finding? {
    let bytes = card.cvv.utf8.prefix(5)
    guard bytes.allSatisfy(isDigit), brand.cvvLengths.contains(bytes.count) else {
      let length =
        switch brand {
        case .amex: "4 digits on the front of an amex card"
        case .unknown: "3 or 4 digits"
        case .visa, .mastercard, .discover, .jcb, .diners: "3 digits on the back of a \(brand.rawValue) card"
        }
      return .init(.cardCVVMalformed, "/payment/card/cvv", "The security code (CVV) is the \(length).")
    }
    return nil
  }
}

extension CardBrand {
  /// How many digits a number may have (ISO/IEC 7812 and the schemes' ranges); nil for an unknown brand.
  var numberLengths: Set<Int>? {
    switch self {
    case .visa: [13, 16, 19]
    case .mastercard: [16]
    case .amex: [15]
    case .discover, .jcb: [16, 17, 18, 19]
    case .diners: [14, 15, 16, 17, 18, 19]
    case .unknown: nil
    }
  }

  var cvvLengths: ClosedRange<Int> {
    switch self {
    case .amex: 4...4
    case .unknown: 3...4
    case .visa, .mastercard, .discover, .jcb, .diners: 3...3
    }
  }
}

/// The check digit of ISO/IEC 7812-1 annex B. `digits` are ASCII digits.
private func isLuhnValid(_ digits: [UInt8]) -> Bool {
  var sum = 0
  for (position, byte) in digits.reversed().enumerated() {
    let digit = Int(byte - UInt8(ascii: "0"))
    let doubled = position % 2 == 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 == 0
}

private func twoDigits(_ tens: UInt8, _ ones: UInt8) -> Int? {
  guard isDigit(tens), isDigit(ones) else { return nil }
  return Int(tens - UInt8(ascii: "0")) * 10 + Int(ones - UInt8(ascii: "0"))
}
