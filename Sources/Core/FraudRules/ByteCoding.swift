/// Writes fixed-width integers, little-endian.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: some FixedWidthInteger & UnsignedInteger) {
    var rest = UInt64(value)
    for _ in 0..<value.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func put(_ raw: [UInt8]) { bytes += raw }
}

/// Reads what `ByteWriter` wrote. Every read is checked against the end.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position == bytes.endIndex }

  mutating func uint8() throws(FraudSnapshotError) -> UInt8 { UInt8(try integer(1)) }
  mutating func uint16() throws(FraudSnapshotError) -> UInt16 { UInt16(try integer(2)) }
  mutating func uint32() throws(FraudSnapshotError) -> UInt32 { UInt32(try integer(4)) }
  mutating func uint64() throws(FraudSnapshotError) -> UInt64 { try integer(8) }

  /// How many entries of `entrySize` bytes follow; no more than there are bytes for.
  mutating func count(entrySize: Int) throws(FraudSnapshotError) -> Int {
    let count = Int(try uint32())
    guard count <= (bytes.endIndex - position) / entrySize else { throw .damaged }
    return count
  }

  /// The next `length` bytes, as a reader of their own.
  mutating func section(_ length: Int) throws(FraudSnapshotError) -> ByteReader {
    guard length >= 0, length <= bytes.endIndex - position else { throw .damaged }
    defer { position += length }
    return ByteReader(bytes[position..<position + length])
  }

  private mutating func integer(_ length: Int) throws(FraudSnapshotError) -> UInt64 {
    guard length <= bytes.endIndex - position else { throw .damaged }
    var value: UInt64 = 0
    for byte in bytes[position..<position + length].reversed() { value = value << 8 | UInt64(byte) }
    position += length
    return value
  }
}

/// FNV-1a with 64 bits: tells a damaged file, not a forged one.
func checksum(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// Why a snapshot cannot be used.
package enum FraudSnapshotError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Cut off, or not what was written.
  case damaged
  case unknownVersion(UInt16)

  package var description: String {
    switch self {
    case .damaged: "is damaged or cut off"
    case .unknownVersion(let version): "has the format \(version), which this version does not know"
    }
  }
}
