package import CoreTime

/// The identity of an order: a UUIDv7 (RFC 9562 §5.7), so that ids sort by the time they were made.
package struct OrderID: Sendable, Hashable, Comparable {
  /// The 128 bits, most significant half first.
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Makes an id: 48 bits of milliseconds, version 7, variant 10, and 74 random bits.
  package init(at time: Timestamp, using random: inout some RandomNumberGenerator) {
    let milliseconds = UInt64(max(0, time.milliseconds)) & 0xFFFF_FFFF_FFFF
    high = milliseconds << 16 | 0x7000 | UInt64.random(in: 0...0x0FFF, using: &random)
    low = 0x8000_0000_0000_0000 | UInt64.random(in: 0...0x3FFF_FFFF_FFFF_FFFF, using: &random)
  }

  /// Reads the form of RFC 9562 §4, `0192f3a1-….`, in either case. Nil for anything else, and for
  /// versions other than 7.
  package init?(_ text: String) {
    var bits: (UInt64, UInt64) = (0, 0)
    var digits = 0
    var position = 0
    for byte in text.utf8 {
      switch position {
      case 8, 13, 18, 23:
        guard byte == UInt8(ascii: "-") else { return nil }
      default:
        guard digits < 32, let nibble = hexValue(byte) else { return nil }
        bits.0 = bits.0 << 4 | bits.1 >> 60
        bits.1 = bits.1 << 4 | nibble
        digits += 1
      }
      position += 1
    }
    guard position == 36, digits == 32, bits.0 >> 12 & 0xF == 7, bits.1 >> 62 == 0b10 else { return nil }
    self.init(high: bits.0, low: bits.1)
  }

  /// When the id was made, by the clock of the machine that made it.
  package var time: Timestamp { Timestamp(milliseconds: Int64(high >> 16)) }

  package static func < (left: OrderID, right: OrderID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

extension OrderID: CustomStringConvertible {
  package var description: String {
    // Written for every message, row and log line about an order, so without strings in between.
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for half in [high, low] {
      for shift in stride(from: 60, through: 0, by: -4) {
        switch text.count {
        case 8, 13, 18, 23: text.append(UInt8(ascii: "-"))
        default: break
        }
        let nibble = UInt8(truncatingIfNeeded: half >> UInt64(shift) & 0xF)
        text.append(nibble < 10 ? nibble + UInt8(ascii: "0") : nibble - 10 + UInt8(ascii: "a"))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension OrderID: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = OrderID(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a UUIDv7: \(text)")
    }
    self = id
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

private func hexValue(_ byte: UInt8) -> UInt64? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
  case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
  case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
  default: nil
  }
}
