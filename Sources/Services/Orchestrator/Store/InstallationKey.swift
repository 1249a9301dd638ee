import Crypto
import DaemonKit
import OrderDomain

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The secret of this installation, under which card numbers and request bodies are reduced to fingerprints.
///
/// 32 random bytes in `fingerprint.key`, made at the first start, readable by the owner only.
struct InstallationKey: Sendable {
  private let key: SymmetricKey

  /// Throws `ConfigurationError` when the file can't be read or made, or has another size.
  init(folder: String) throws {
    let path = "\(folder)/fingerprint.key"
    do {
      if !FileManager.default.fileExists(atPath: path) { try Self.create(path, in: folder) }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      guard bytes.count == 32 else {
        throw ConfigurationError(["\(path): must hold 32 bytes, not \(bytes.count); restore it from a backup"]
        )
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

  private static func create(_ path: String, in folder: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
    // Made under another name and linked into place, so that a crash never leaves half a key.
    let temporary = path + ".new"
    guard
      FileManager.default.createFile(
        atPath: temporary, contents: bytes, attributes: [.posixPermissions: 0o600])
    else { throw ConfigurationError(["\(temporary): cannot be written"]) }
    try FileManager.default.moveItem(atPath: temporary, toPath: path)
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
