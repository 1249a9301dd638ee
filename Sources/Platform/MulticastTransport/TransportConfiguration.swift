/// Where election datagrams go and come from.
package struct TransportConfiguration: Sendable, Hashable {
  /// How the others are reached. Never changed silently: what is configured is used, or opening fails.
  package enum Mode: Sendable, Hashable {
    /// `group`: 224.0.0.0 … 239.255.255.255. `port`: 1 … 65535, shared by all on a host. `interface`: an
    /// IPv4 address of the interface to use, or its name; 127.0.0.1 stays on this host.
    case multicast(group: String, port: Int, interface: String)
    /// The same datagrams to each of `peers`, from and to an own port. `port` 0 takes any free one. At most
    /// 64 peers.
    case unicast(bindHost: String, port: Int, peers: [Peer])

    /// Whether what is sent comes back.
    var hasEcho: Bool {
      switch self {
      case .multicast: true
      case .unicast: false
      }
    }
  }

  /// A peer in unicast mode. The name is looked up again every few seconds.
  package struct Peer: Sendable, Hashable {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
      self.host = host
      self.port = port
    }

    /// `host:port`; an IPv6 address in brackets. `nil` when it isn't that.
    package init?(_ text: String) {
      guard let colon = text.lastIndex(of: ":") else { return nil }
      guard let port = Int(text[text.index(after: colon)...]) else { return nil }
      var host = text[..<colon]
      if host.hasPrefix("["), host.hasSuffix("]") {
        host = host.dropFirst().dropLast()
      } else if host.contains(":") {
        return nil
      }
      guard !host.isEmpty, (1...65_535).contains(port) else { return nil }
      self.init(host: String(host), port: port)
    }
  }

  package var mode: Mode
  /// Longer datagrams are counted and dropped (bytes). 1 … 2047.
  package var maximumLength = 512
  /// Datagrams that wait for the consumer; beyond it the oldest is dropped and counted. 1 … 65536.
  package var inboundBuffer = 1_024

  package static let defaultGroup = "239.255.77.77"
  package static let defaultPort = 50_060

  package init(
    mode: Mode = .multicast(group: defaultGroup, port: defaultPort, interface: "127.0.0.1")
  ) {
    self.mode = mode
  }

  /// Every mistake in the settings, each naming its field and what would be right. Empty when all is well.
  package var problems: [String] {
    var problems: [String] = []
    func check(_ holds: Bool, _ problem: String) { if !holds { problems.append(problem) } }
    check((1...2_047).contains(maximumLength), "maximumLength must be between 1 and 2047")
    check((1...65_536).contains(inboundBuffer), "inboundBuffer must be between 1 and 65536")
    switch mode {
    case .multicast(let group, let port, let interface):
      check(
        IPv4(group)?.isMulticast == true,
        "group \"\(group)\" must be a multicast address (224.0.0.0 to 239.255.255.255)")
      check((1...65_535).contains(port), "port \(port) must be between 1 and 65535")
      let address = IPv4(interface)
      check(
        address.map { !$0.isMulticast && $0.networkOrder != 0 } ?? InterfaceAddress.isName(interface),
        "interface \"\(interface)\" must be an interface of this machine, such as 127.0.0.1 or eth0")
    case .unicast(let bindHost, let port, let peers):
      check(!bindHost.isEmpty, "bindHost must not be empty")
      check((0...65_535).contains(port), "port \(port) must be between 0 and 65535")
      check((1...64).contains(peers.count), "peers must name 1 to 64 peers as host:port")
      for peer in peers where peer.host.isEmpty || !(1...65_535).contains(peer.port) {
        problems.append(
          "peer \"\(peer.host):\(peer.port)\" must be host:port with a port between 1 and 65535")
      }
    }
    return problems
  }
}

/// An IPv4 address in dotted decimal.
struct IPv4: Sendable, Hashable {
  let octets: [UInt8]

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var octets: [UInt8] = []
    for part in parts {
      guard part.count <= 3, part.allSatisfy(\.isASCII), let octet = UInt8(part) else { return nil }
      octets.append(octet)
    }
    self.octets = octets
  }

  var isMulticast: Bool { (224...239).contains(octets[0]) }

  /// As the kernel wants it in `struct in_addr`.
  var networkOrder: UInt32 { UInt32(bigEndian: octets.reduce(0) { $0 << 8 | UInt32($1) }) }
}

/// Why a socket could not be opened.
package struct TransportError: Error, CustomStringConvertible {
  package struct Code: Sendable, Hashable {
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    package static let invalidConfiguration = Code(rawValue: "invalid-configuration")
    package static let cannotBind = Code(rawValue: "cannot-bind")
    /// The interface is not there, or does not take the group.
    package static let cannotJoin = Code(rawValue: "cannot-join")
    /// The kernel did not keep a socket option.
    package static let optionRefused = Code(rawValue: "option-refused")
    package static let closed = Code(rawValue: "closed")
  }

  package var code: Code
  package var message: String
  package var cause: (any Error)?

  package init(code: Code, message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  package var description: String { cause.map { "\(message): \($0)" } ?? message }
}
