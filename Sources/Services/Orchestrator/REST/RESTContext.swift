import HTTPTypes
import Hummingbird
import NIOCore
import OrderWire

/// What is known of one request besides its head and body.
struct RESTContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// Who opened the connection.
  let peer: SocketAddress?

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    peer = source.channel.remoteAddress
  }
}

/// Finds out where a request comes from: the peer of its connection, or, where that is a reverse proxy of ours, what
/// the proxy says in `X-Forwarded-For`. A header from anybody else is not believed: everyone can write one.
package struct TrustedProxies: Sendable, Hashable {
  static let header = HTTPField.Name("X-Forwarded-For")
  /// Elements of the header that are looked at, from its end.
  private static let hops = 16

  private let addresses: Set<String>

  /// No proxy is trusted.
  init() { addresses = [] }

  /// IP addresses. Throws `InvalidAddress`.
  init(_ texts: [String]) throws(InvalidAddress) {
    var addresses: Set<String> = []
    for text in texts {
      guard let address = Self.canonical(text) else { throw InvalidAddress(text: text) }
      addresses.insert(address)
    }
    self.addresses = addresses
  }

  /// Something that is not an IP address.
  struct InvalidAddress: Error {
    let text: String
  }

  /// The client's address as text; nil when it is not known. Each proxy adds to the end the address from which it got
  /// the request, so the last one that is not a proxy's is the client's.
  func client(_ request: Request, _ context: RESTContext) -> String? {
    guard let peer = context.peer?.ipAddress.flatMap(Self.canonical) else { return nil }
    guard addresses.contains(peer), let name = Self.header else { return peer }
    let elements = request.headers[values: name].flatMap { $0.split(separator: ",") }
    for element in elements.suffix(Self.hops).reversed() {
      guard let address = Self.canonical(element.filter { $0 != " " && $0 != "\t" }) else { return nil }
      if !addresses.contains(address) { return address }
    }
    return nil
  }

  /// One form for each address; nil for what is none. An IPv4 address in IPv6 clothes (RFC 4291 §2.5.5.2), as a
  /// socket for both shows it, is the IPv4 address.
  private static func canonical(_ text: String) -> String? {
    let mapped = "::ffff:"
    let plain =
      text.lowercased().hasPrefix(mapped) && text.contains(".") ? String(text.dropFirst(mapped.count)) : text
    do { return try SocketAddress(ipAddress: plain, port: 0).ipAddress } catch { return nil }
  }
}
