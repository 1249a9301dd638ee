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
    "AD": .init(["AD999"], "AD500"),
    "AR": .init(["9999", "A9999AAA"], "C1070AAM"),
    "AT": .init(["9999"], "1010"),
    "AU": .init(["9999"], "2000"),
    "BE": .init(["9999"], "1000"),
    "BG": .init(["9999"], "1000"),
    "BR": .init(["99999-999", "99999999"], "01310-100"),
    "CA": .init(["A9A9A9"], "K1A 0B1"),
    "CH": .init(["9999"], "8001"),
    "CN": .init(["999999"], "100000"),
    "CY": .init(["9999"], "1010"),
    "CZ": .init(["99999"], "110 00"),
    "DE": .init(["99999"], "10115"),
    "DK": .init(["9999"], "1050"),
    "EE": .init(["99999"], "50090"),
    "ES": .init(["99999"], "28001"),
    "FI": .init(["99999"], "00100"),
    "FR": .init(["99999"], "75001"),
    "GB": .init(["A99AA", "A999AA", "AA99AA", "AA999AA", "A9A9AA", "AA9A9AA"], "SW1A 1AA"),
    "GR": .init(["99999"], "105 57"),
    "HR": .init(["99999"], "10000"),
    "HU": .init(["9999"], "1051"),
    "IE": .init(["A9*****"], "D02 X285"),
    "IL": .init(["9999999"], "9103401"),
    "IN": .init(["999999"], "110001"),
    "IS": .init(["999"], "101"),
    "IT": .init(["99999"], "00118"),
    "JP": .init(["9999999", "999-9999"], "100-0001"),
    "KR": .init(["99999"], "04524"),
    "LI": .init(["9999"], "9490"),
    "LT": .init(["99999", "LT-99999"], "LT-01100"),
    "LU": .init(["9999", "L-9999"], "1009"),
    // The code is written with its prefix; the four digits alone are common in forms.
    "LV": .init(["LV-9999", "9999"], "LV-1010"),
    "MC": .init(["99999"], "98000"),
    "MT": .init(["AAA9999"], "VLT 1117"),
    "MX": .init(["99999"], "06000"),
    "NL": .init(["9999AA"], "1012 JS"),
    "NO": .init(["9999"], "0150"),
    "NZ": .init(["9999"], "6011"),
    "PL": .init(["99-999"], "00-001"),
    "PT": .init(["9999-999"], "1000-001"),
    "RO": .init(["999999"], "010011"),
    "SE": .init(["99999"], "111 20"),
    "SG": .init(["999999"], "018956"),
    "SI": .init(["9999"], "1000"),
    "SK": .init(["99999"], "811 02"),
    "SM": .init(["99999"], "47890"),
    "TR": .init(["99999"], "34110"),
    "UA": .init(["99999"], "01001"),
    "US": .init(["99999", "99999-9999"], "20500"),
    "ZA": .init(["9999"], "0001"),
  ]
}
