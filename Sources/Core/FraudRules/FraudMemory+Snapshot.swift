package import CoreTime

/// The snapshot: a magic number, the format, when it was taken; then for each kind its name's place in
/// `VelocityKind.allCases`, its window and its entries, and the histories; last a checksum of all that. Numbers
/// are little-endian. It holds keyed hashes, counts, times and amounts, nothing of a card or a person.
extension FraudMemory {
  private static let magic = Array("ORDFRAUD".utf8)
  /// Goes up when the layout, or the meaning of a section's number, changes.
  package static let snapshotVersion: UInt16 = 1
  private static let historySection: UInt8 = 0xFF

  /// What is still within its window at `now`, and the histories.
  package func encoded(now: Timestamp) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(Self.magic)
    writer.put(Self.snapshotVersion)
    writer.put(UInt64(bitPattern: now.milliseconds))
    func section(_ number: UInt8, _ window: Duration, _ fill: (inout ByteWriter) -> Void) {
      var content = ByteWriter()
      content.put(UInt64(clamping: window.millisecondsClamped))
      fill(&content)
      writer.put(number)
      writer.put(UInt32(clamping: content.bytes.count))
      writer.put(content.bytes)
    }
    for (number, kind) in VelocityKind.allCases.enumerated() {
      if let counts = orders[kind] {
        section(UInt8(number), counts.window) { counts.encode(into: &$0, now: now) }
      }
      if let counts = distinct[kind] {
        section(UInt8(number), counts.window) { counts.encode(into: &$0, now: now) }
      }
    }
    section(Self.historySection, .zero) { histories.encode(into: &$0) }
    writer.put(checksum(writer.bytes))
    return writer.bytes
  }

  /// Takes over what `encoded` gave, as far as the windows are still the same. Leaves the memory as it was when
  /// it throws. Meant for a memory that is still empty.
  package mutating func restore(_ bytes: [UInt8]) throws(FraudSnapshotError) {
    guard bytes.count >= Self.magic.count + 2 + 8 + 8, bytes.starts(with: Self.magic) else { throw .damaged }
    var header = ByteReader(bytes[Self.magic.count...])
    let version = try header.uint16()
    guard version == Self.snapshotVersion else { throw .unknownVersion(version) }
    var trailer = ByteReader(bytes.suffix(8))
    guard try trailer.uint64() == checksum(bytes.dropLast(8)) else { throw .damaged }
    var reader = ByteReader(bytes.dropLast(8).dropFirst(Self.magic.count + 2 + 8))
    var restored = self
    while !reader.isAtEnd {
      let number = try reader.uint8()
      let length = Int(try reader.uint32())
      var section = try reader.section(length)
      try restored.take(number, &section)
    }
    self = restored
  }

  private mutating func take(_ number: UInt8, _ section: inout ByteReader) throws(FraudSnapshotError) {
    let window = try section.uint64()
    if number == Self.historySection {
      try histories.restore(from: &section)
    } else if number < VelocityKind.allCases.count {
      let kind = VelocityKind.allCases[Int(number)]
      if var counts = orders[kind] {
        guard UInt64(clamping: counts.window.millisecondsClamped) == window else { return }
        try counts.restore(from: &section)
        orders[kind] = counts
      }
      if var counts = distinct[kind] {
        guard UInt64(clamping: counts.window.millisecondsClamped) == window else { return }
        try counts.restore(from: &section)
        distinct[kind] = counts
      }
    } else {
      throw .damaged
    }
    guard section.isAtEnd else { throw .damaged }
  }
}
