import Crypto
import DaemonKit
import FraudRules

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The secret under which cards, mail addresses and so on are reduced to hashes, in `trace.key`. Without it the
/// snapshot says nothing about anybody.
struct TraceKey: Sendable {
  private let key: SymmetricKey

  /// Throws `ConfigurationError` when the file cannot be read or made, or has another size.
  init(folder: String) throws {
    let remedy = "remove it, and what was remembered is forgotten"
    key = SymmetricKey(data: try SecretFile.read("trace.key", in: folder, remedy: remedy))
  }

  /// The traces of an order: HMAC-SHA-256 of each text with its kind before it, 8 bytes.
  func traces(of texts: TraceTexts) -> OrderTraces {
    OrderTraces(
      card: hash("card", texts.card), email: hash("email", texts.email),
      address: hash("address", texts.address), client: texts.client.map { hash("client", $0) })
  }

  private func hash(_ kind: String, _ text: String) -> UInt64 {
    HMAC<SHA256>.authenticationCode(for: Data("\(kind):\(text)".utf8), using: key).prefix(8)
      .reduce(0) { $0 << 8 | UInt64($1) }
  }
}
