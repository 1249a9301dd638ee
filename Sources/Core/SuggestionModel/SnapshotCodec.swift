import CoreTime

/// Bytes that are no snapshot.
package struct SnapshotDamage: Error, Hashable, CustomStringConvertible {
  package let description: String

  package init(description: String) { self.description = description }
}

// Fixed layout, little-endian: version (u32), baskets (u64), half-life (f64), landmark and latest (i64
// each, the least value for none), number of items (u32); for each item the length of its SKU (u16), the
// SKU in UTF-8, its weight (f64), the number of partners (u32), and for each the item's index (u32),
// weight and inherited (f64 each).
extension SuggestionSnapshot {
  package static let version: UInt32 = 1
  /// Bytes of a SKU, as in `Catalog.problems()`.
  private static let maximumSKU = 64
  private static let none = Int64.min

  package func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(64 + items.count * 40 + items.reduce(0) { $0 + $1.partners.count * 20 })
    append(Self.version, to: &bytes)
    append(baskets, to: &bytes)
    append(halfLife.bitPattern, to: &bytes)
    append(landmark?.milliseconds ?? Self.none, to: &bytes)
    append(latest?.milliseconds ?? Self.none, to: &bytes)
    append(UInt32(clamping: items.count), to: &bytes)
    for item in items {
      append(UInt16(clamping: item.sku.utf8.count), to: &bytes)
      bytes += item.sku.utf8
      append(item.weight.bitPattern, to: &bytes)
      append(UInt32(clamping: item.partners.count), to: &bytes)
      for partner in item.partners {
        append(UInt32(bitPattern: partner.item), to: &bytes)
        append(partner.weight.bitPattern, to: &bytes)
        append(partner.inherited.bitPattern, to: &bytes)
      }
    }
    return bytes
  }

  /// Throws `SnapshotDamage` for everything that `encoded()` does not make.
  package init(decoding bytes: some Collection<UInt8>) throws(SnapshotDamage) {
    var reader = ByteReader(bytes: Array(bytes))
    let version = try reader.integer(UInt32.self)
    guard version == Self.version else {
      throw SnapshotDamage(description: "version \(version) is not known here (\(Self.version) is)")
    }
    baskets = try reader.integer(UInt64.self)
    halfLife = try reader.weight()
    landmark = Self.time(try reader.integer(Int64.self))
    latest = Self.time(try reader.integer(Int64.self))
    guard halfLife >= 1, (landmark == nil) == (latest == nil), landmark != nil || baskets == 0 else {
      throw SnapshotDamage(description: "its times contradict each other")
    }
    let count = try reader.count(each: 15)
    items = []
    items.reserveCapacity(count)
    var seen: Set<String> = []
    for _ in 0..<count {
      let item = try Self.item(&reader, of: count)
      guard seen.insert(item.sku).inserted else {
        throw SnapshotDamage(description: "'\(item.sku)' stands twice")
      }
      items.append(item)
    }
    guard reader.isAtEnd else { throw SnapshotDamage(description: "it has bytes behind its end") }
  }

  private static func time(_ milliseconds: Int64) -> Timestamp? {
    milliseconds == none ? nil : Timestamp(milliseconds: milliseconds)
  }

  private static func item(_ reader: inout ByteReader, of count: Int) throws(SnapshotDamage) -> Item {
    let sku = try reader.text(length: Int(try reader.integer(UInt16.self)), atMost: maximumSKU)
    let weight = try reader.weight()
    var item = Item(sku: sku, weight: weight, partners: [])
    let partners = try reader.count(each: 20)
    item.partners.reserveCapacity(partners)
    for _ in 0..<partners {
      let index = try reader.integer(UInt32.self)
      let partner = Partner(
        item: Int32(clamping: index), weight: try reader.weight(), inherited: try reader.weight())
      guard index < count, partner.inherited <= partner.weight else {
        throw SnapshotDamage(description: "a partner of '\(sku)' cannot be")
      }
      item.partners.append(partner)
    }
    return item
  }
}

private func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
  for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
    bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
  }
}

private struct ByteReader {
  let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(SnapshotDamage) -> Value {
    let size = Value.bitWidth / 8
    try need(size)
    var value: Value = 0
    for index in 0..<size { value |= Value(truncatingIfNeeded: bytes[position + index]) << Value(index * 8) }
    position += size
    return value
  }

  /// Finite, and not negative.
  mutating func weight() throws(SnapshotDamage) -> Double {
    let value = Double(bitPattern: try integer(UInt64.self))
    guard value.isFinite, value >= 0 else { throw SnapshotDamage(description: "a weight cannot be \(value)") }
    return value
  }

  /// Of elements that have at least `size` bytes each, so that a wrong count asks for no memory.
  mutating func count(each size: Int) throws(SnapshotDamage) -> Int {
    let count = Int(try integer(UInt32.self))
    try need(count * size)
    return count
  }

  mutating func text(length: Int, atMost most: Int) throws(SnapshotDamage) -> String {
    guard (1...most).contains(length) else {
      throw SnapshotDamage(description: "a SKU cannot have \(length) bytes")
    }
    try need(length)
    guard let text = String(validating: bytes[position..<position + length], as: UTF8.self) else {
      throw SnapshotDamage(description: "a SKU is not UTF-8")
    }
    position += length
    return text
  }

  private func need(_ count: Int) throws(SnapshotDamage) {
    guard count <= bytes.count - position else { throw SnapshotDamage(description: "it ends too early") }
  }
}
