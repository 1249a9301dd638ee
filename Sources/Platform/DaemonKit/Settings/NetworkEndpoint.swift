/// Where a service listens or is reached: a host name or address, and a TCP port.
package struct NetworkEndpoint: Sendable, Hashable, CustomStringConvertible {
  package let host: String
  /// 0 … 65535; 0 = let the kernel choose (listening only).
  package let port: Int

  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// `host:port`, `[v6]:port`. Nil when the port is missing or out of range, or the host is empty.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
      (0...65_535).contains(port)
    else { return nil }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty else { return nil }
    self.init(host: String(host), port: port)
  }

  package var isIPv6: Bool { host.contains(":") }
  package var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
