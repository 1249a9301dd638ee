import Crypto
import DaemonKit
import OrderDomain

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The secret of this installation, under which card numbers and request bodies are reduced to fingerprints, in
/// `fingerprint.key`.
struct InstallationKey: Sendable {
  private let key: SymmetricKey

  /// Throws `ConfigurationError` when the file can't be read or made, or has another size.
  init(folder: String) throws {
    let bytes = try SecretFile.read("fingerprint.key", in: folder, remedy: "restore it from a backup")
    key = SymmetricKey(data: bytes)
  }

  /// What may be kept of a card.
  func summary(of card: Card) -> CardSummary {
    let digits = card.number.filter { $0.isASCII && $0.isNumber }
    return CardSummary(
      brand: CardBrand(number: digits), lastFour: String(digits.suffix(4)),
      fingerprint: mac(Data(digits.utf8), 16))
  }

  /// Equal for equal bodies; says nothing about them without the key.
  func mac(ofBody body: Data) -> String { mac(body, 32) }

  private func mac(_ data: Data, _ length: Int) -> String {
    HMAC<SHA256>.authenticationCode(for: data, using: key).prefix(length).hexadecimal
  }
}
