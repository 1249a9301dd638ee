/// The postal codes of one country, as the addressing sheets of the Universal Postal Union give them.
struct PostalCodeForm: Sendable {
  /// `9` stands for a digit, `A` for a letter, `*` for either, anything else for itself. Without spaces.
  let patterns: [String]
  /// A real code, for messages.
  let example: String

  /// Spaces and the case of letters do not matter.
  func matches(_ code: String) -> Bool {
    guard code.utf8.count <= TransactionRules.maxPostalCodeBytes else { return false }
    let bytes = code.utf8.filter { $0 != UInt8(ascii: " ") }.map { isLetter($0) ? $0 & 0xDF : $0 }
    return patterns.contains { pattern in
      pattern.utf8.count == bytes.count && zip(pattern.utf8, bytes).allSatisfy(fits)
    }
  }

  private func fits(_ sign: UInt8, _ byte: UInt8) -> Bool {
    switch sign {
    case UInt8(ascii: "9"): isDigit(byte)
    case UInt8(ascii: "A"): isCapital(byte)
    case UInt8(ascii: "*"): isDigit(byte) || isCapital(byte)
    default: sign == byte
    }
  }

  private init(_ patterns: [String], _ example: String) {
    self.patterns = patterns
    self.example = example
  }

  /// By ISO 3166-1 alpha-2 code. A country that is missing has its length checked and nothing else.
  static let byCountry: [String: PostalCodeForm] = [
    "AT": .init(["9999"], "1010"),
    "AU": .init(["9999"], "2000"),
    "BE": .init(["9999"], "1000"),
    "CA": .init(["A9A9A9"], "K1A 0B1"),
    "CH": .init(["9999"], "8001"),
    "CZ": .init(["99999"], "110 00"),
    "DE": .init(["99999"], "10115"),
    "DK": .init(["9999"], "1050"),
    "EE": .init(["99999"], "50090"),
    "ES": .init(["99999"], "28001"),
    "FI": .init(["99999"], "00100"),
    "FR": .init(["99999"], "75001"),
    "GB": .init(["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA"], "SW1A 1AA"),
    "IE": .init(["A9*****"], "D02 X285"),
    "IT": .init(["99999"], "00118"),
    "JP": .init(["9999999", "999-9999"], "100-0001"),
    "LT": .init(["99999", "LT-99999"], "LT-01100"),
    "LU": .init(["9999", "L-9999"], "1009"),
    // The code is written with its prefix; the four digits alone are common in forms.
    "LV": .init(["LV-9999", "9999"], "LV-1010"),
    "NL": .init(["9999AA"], "1012 JS"),
    "NO": .init(["9999"], "0150"),
    "PL": .init(["99-999"], "00-001"),
    "PT": .init(["9999-999"], "1000-001"),
    "SE": .init(["99999"], "111 20"),
    "US": .init(["99999", "99999-9999"], "20500"),
  ]
}
