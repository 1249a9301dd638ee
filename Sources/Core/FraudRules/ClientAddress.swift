/// The network that a client belongs to: its IPv4 address, or the /64 of its IPv6 address, since a customer is
/// given a whole one of those (RFC 6177). Nil for what is no address, and for addresses that say nothing about
/// who is behind them: loopback, private, link-local, unspecified.
package struct ClientAddress: Sendable, Hashable {
  /// `192.0.2.7`, or the first four groups of an IPv6 address in hexadecimal.
  package let network: String

  package init?(_ text: String) {
    guard text.utf8.count <= 45 else { return nil }
    if let bytes = Self.four(text) {
      guard Self.isTelling(bytes) else { return nil }
      network = bytes.map(String.init).joined(separator: ".")
      return
    }
    guard let groups = Self.eight(text) else { return nil }
    if groups.prefix(5).allSatisfy({ $0 == 0 }), groups[5] == 0xFFFF {
      // An IPv4 address that came in over an IPv6 socket.
      let bytes = [groups[6] >> 8, groups[6] & 0xFF, groups[7] >> 8, groups[7] & 0xFF]
      guard Self.isTelling(bytes) else { return nil }
      network = bytes.map(String.init).joined(separator: ".")
      return
    }
    // ::/64 (unspecified, loopback), fc00::/7 (unique local), fe80::/10 (link-local).
    guard groups.prefix(4).contains(where: { $0 != 0 }), groups[0] & 0xFE00 != 0xFC00,
      groups[0] & 0xFFC0 != 0xFE80
    else { return nil }
    network = groups.prefix(4).map { String($0, radix: 16) }.joined(separator: ":")
  }

  /// RFC 6890: 0/8, 10/8, 127/8, 169.254/16, 172.16/12 and 192.168/16 do not.
  private static func isTelling(_ bytes: [UInt16]) -> Bool {
    switch (bytes[0], bytes[1]) {
    case (0, _), (10, _), (127, _), (169, 254), (172, 16...31), (192, 168): false
    default: true
    }
  }

  private static func four(_ text: some StringProtocol) -> [UInt16]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    let bytes = parts.compactMap { part -> UInt16? in
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy(isASCIIDigit) else { return nil }
      return UInt8(part).map(UInt16.init)
    }
    return bytes.count == 4 ? bytes : nil
  }

  /// RFC 4291 §2.2.
  private static func eight(_ text: String) -> [UInt16]? {
    // What is behind `%` names an interface.
    let address = text.prefix { $0 != "%" }
    guard let gap = address.firstRange(of: "::") else {
      let whole = groups(address)
      return whole?.count == 8 ? whole : nil
    }
    guard let head = groups(address[..<gap.lowerBound]), let tail = groups(address[gap.upperBound...]),
      head.count + tail.count < 8
    else { return nil }
    return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
  }

  private static func groups(_ text: Substring) -> [UInt16]? {
    if text.isEmpty { return [] }
    var groups: [UInt16] = []
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, let bytes = four(part) {
        groups += [bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]]
      } else if (1...4).contains(part.utf8.count), let group = UInt16(part, radix: 16), part.first != "+" {
        groups.append(group)
      } else {
        return nil
      }
    }
    return groups
  }
}
