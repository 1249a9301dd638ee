/// An amount in the minor unit of a currency (cents for EUR, yen for JPY). Never a floating-point number.
package struct Money: Sendable, Hashable, Codable {
  /// May be negative.
  package let minorUnits: Int64
  package let currency: Currency

  package init(minorUnits: Int64, currency: Currency) {
    self.minorUnits = minorUnits
    self.currency = currency
  }

  /// Nil when the product does not fit into 64 bits.
  package func multiplied(by factor: Int64) -> Money? {
    let (product, overflow) = minorUnits.multipliedReportingOverflow(by: factor)
    return overflow ? nil : Money(minorUnits: product, currency: currency)
  }

  /// Nil when the currencies differ or the sum does not fit into 64 bits.
  package func adding(_ other: Money) -> Money? {
    guard currency == other.currency else { return nil }
    let (sum, overflow) = minorUnits.addingReportingOverflow(other.minorUnits)
    return overflow ? nil : Money(minorUnits: sum, currency: currency)
  }
}

/// An ISO 4217 alphabetic code: three capital ASCII letters. Whether the code is assigned is not checked.
package struct Currency: Sendable, Hashable, Codable, CustomStringConvertible {
  package let code: String

  /// Nil unless `code` is three letters `A`–`Z`.
  package init?(_ code: String) {
    guard code.utf8.count == 3, code.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
    else { return nil }
    self.code = code
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let code = try container.decode(String.self)
    guard let currency = Currency(code) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(code.prefix(16))' is not an ISO 4217 code such as EUR")
    }
    self = currency
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(code)
  }

  /// How many decimal digits the minor unit stands for (ISO 4217 list one): 0 for JPY, 3 for KWD, else 2.
  package var minorUnitDigits: Int {
    switch code {
    case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF",
      "XOF",
      "XPF":
      0
    case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
    default: 2
    }
  }

  package var description: String { code }
}

extension Money: CustomStringConvertible {
  /// `29.98 EUR`
  package var description: String {
    let digits = currency.minorUnitDigits
    let magnitude = String(minorUnits.magnitude)
    let padded = String(repeating: "0", count: max(0, digits + 1 - magnitude.count)) + magnitude
    let sign = minorUnits < 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(padded) \(currency)" }
    return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits)) \(currency)"
  }
}
