import Foundation

/// Orders of different customers, with different cards and addresses, so that no rule about velocity applies.
enum Customers {
  private static let skus = [
    "book-dune", "book-hyperion", "book-left-hand", "book-solaris", "book-emma", "goods-mug",
  ]

  /// The body of the order of customer `number`.
  static func order(_ number: Int) -> Data {
    let name = "Ada \(number)"
    return Data(
      """
      {"customer": {"name": "\(name)", "email": "ada\(number)@example.org"},
       "items": [{"sku": "\(skus[number % skus.count])", "quantity": \(1 + number % 3)}],
       "billingAddress": {"street": "Ülikooli \(number)", "city": "Tartu",
         "postalCode": "\(10_000 + number % 80_000)", "country": "EE"},
       "shipping": {"method": "standard"},
       "payment": {"card": {"holder": "\(name)", "number": "\(card(number))", "expiry": "12/30", "cvv": "123"}},
       "acceptTerms": true}
      """.utf8)
  }

  /// A Visa number with its check digit (ISO/IEC 7812-1 annex B).
  private static func card(_ number: Int) -> String {
    var digits: [UInt64] = [4]
    var rest = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 >> 8
    for _ in 0..<14 {
      digits.append(rest % 10)
      rest /= 10
    }
    let sum = digits.reversed().enumerated().reduce(UInt64(0)) { sum, place in
      let value = place.offset % 2 == 0 ? place.element * 2 : place.element
      return sum + (value > 9 ? value - 9 : value)
    }
    digits.append((10 - sum % 10) % 10)
    return digits.map(String.init).joined()
  }
}
