import NIOCore

/// The interface of a multi-homed host, as a person names it: by an IPv4 address of it, or by its name.
enum InterfaceAddress {
  /// A name as the kernel takes it: 1 to 15 bytes, no slash, no white space (netdevice(7)).
  static func isName(_ text: String) -> Bool {
    (1...15).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
      && text.utf8.contains {
        !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) && $0 != UInt8(ascii: ".")
      }
  }

  /// The first IPv4 address of the interface. Looked up anew at each opening: an address may change.
  ///
  /// Throws `TransportError` that lists what there is.
  static func resolve(_ text: String) throws -> IPv4 {
    if let address = IPv4(text) { return address }
    let devices: [(name: String, address: String)] = try System.enumerateDevices().compactMap { device in
      guard case .v4? = device.address, let address = device.address?.ipAddress else { return nil }
      return (device.name, address)
    }
    guard let found = devices.first(where: { $0.name == text }), let address = IPv4(found.address) else {
      let known = devices.map { "\($0.name) (\($0.address))" }.joined(separator: ", ")
      throw TransportError(
        code: .cannotJoin, message: "there is no interface '\(text)' with an IPv4 address; there are \(known)"
      )
    }
    return address
  }
}
