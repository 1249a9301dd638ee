// Stands in for swift-crypto when the election's codec is fuzzed: the entry points that ElectionWire uses, with a
// keyed checksum that costs next to nothing. It proves nothing to anybody and is built by tools/fuzz alone. A real
// signature would stop the fuzzer at the door; here the harness can sign what it made up.

public import FoundationEssentials

public struct SymmetricKey: Sendable {
  fileprivate let bytes: [UInt8]

  public init(data: some ContiguousBytes) { bytes = data.withUnsafeBytes { [UInt8]($0) } }
}

public enum SHA256: Sendable {
  public static func hash(data: some DataProtocol) -> [UInt8] { checksum([], data) }
}

public enum HMAC<Hash>: Sendable {
  public static func authenticationCode(for data: some DataProtocol, using key: SymmetricKey) -> [UInt8] {
    checksum(key.bytes, data)
  }

  public static func isValidAuthenticationCode(
    _ code: some ContiguousBytes, authenticating data: some DataProtocol, using key: SymmetricKey
  ) -> Bool {
    code.withUnsafeBytes { $0.elementsEqual(checksum(key.bytes, data)) }
  }
}

/// 32 bytes: FNV-1a of the key and the data, four times with another start.
private func checksum(_ key: [UInt8], _ data: some DataProtocol) -> [UInt8] {
  var lanes: [UInt64] = [0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 1]
  func add(_ byte: UInt8) {
    for lane in lanes.indices { lanes[lane] = (lanes[lane] ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }
  for byte in key { add(byte) }
  for byte in data { add(byte) }
  return lanes.flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> ($0 * 8)) } }
}
