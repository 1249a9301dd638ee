import Crypto
import DaemonKit
import FraudRules

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The secret under which cards, mail addresses and so on are reduced to hashes: 32 random bytes in `trace.key`,
/// made at the first start, readable by the owner only. Without it the snapshot says nothing about anybody.
struct TraceKey: Sendable {
  private let key: SymmetricKey

  /// Throws `ConfigurationError` when the file cannot be read or made, or has another size.
  init(folder: String) throws {
    let path = "\(folder)/trace.key"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
      if !FileManager.default.fileExists(atPath: path) {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        try DurableFile.replace(path, with: bytes)
      }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      guard bytes.count == 32 else {
        throw ConfigurationError([
          "\(path): must hold 32 bytes, not \(bytes.count); remove it, and what was remembered is forgotten"
        ])
      }
      key = SymmetricKey(data: bytes)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError([
        "\(path): cannot be read or made; check the folder's owner and mode (\(error))"
      ])
    }
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
