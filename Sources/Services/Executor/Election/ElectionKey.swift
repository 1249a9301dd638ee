import DaemonKit
import ElectionWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where the key that signs election datagrams comes from: `election.key-file`, else the systemd credential
/// `ordersd.election-key`, or `election.key` where it is encrypted (systemd.exec(5), LoadCredential=), else
/// none. And what is done with it: `election.key-policy`.
enum ElectionKey {
  private static let largestFile = 16_384

  static func read(
    _ reader: SettingsReader, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> KeyRing {
    let named = reader.optionalString(
      "election.key-file",
      "File with the key that signs election datagrams: a line <id>:<key in hex> for each key.")
    let policies = KeyPolicy.allCases.map(\.rawValue).joined(separator: ", ")
    let wanted = reader.optionalString(
      "election.key-policy",
      "What is signed and taken while keys come in: \(policies); enforce when there is a key.")
    let chosen = wanted.map { KeyPolicy(rawValue: $0) } ?? .enforce
    guard let policy = chosen else {
      reader.report("election.key-policy", "must be one of \(policies), not '\(wanted?.prefix(80) ?? "")'")
      return .keyless
    }
    do {
      guard let path = named ?? credential(environment) else {
        guard wanted != nil else { return .keyless }
        guard policy == .acceptAny else {
          reader.report(
            "election.key-policy", "\(policy.rawValue) needs a key: set election.key-file or the credential")
          return .keyless
        }
        return try KeyRing(keys: [:], signingKeyID: KeyRing.unsignedKeyID, policy: .acceptAny)
      }
      return try load(path, isCredential: named == nil, policy)
    } catch let error as KeyRingError {
      reader.report("election.key-file", "\(named ?? "the credential"): \(error)")
    } catch let error as ConfigurationError {
      reader.report("election.key-file", "\(error)")
    } catch {
      reader.report("election.key-file", "\(named ?? "the credential"): cannot be read")
    }
    return .keyless
  }

  /// As the units load it, in clear or encrypted: two names, because systemd before 254 cannot look one up in
  /// both stores.
  private static func credential(_ environment: [String: String]) -> String? {
    guard let folder = environment["CREDENTIALS_DIRECTORY"] else { return nil }
    let paths = ["ordersd.election-key", "election.key"].map { "\(folder)/\($0)" }
    return paths.first { FileManager.default.fileExists(atPath: $0) }
  }

  /// systemd guards its credentials by an ACL, which shows as a group bit; other files must be private
  /// outright.
  private static func load(_ path: String, isCredential: Bool, _ policy: KeyPolicy) throws -> KeyRing {
    guard FileManager.default.fileExists(atPath: path) else {
      throw ConfigurationError(["\(path): no such file"])
    }
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    let mode = attributes[.posixPermissions] as? Int ?? 0
    let forbidden = isCredential ? 0o007 : 0o077
    guard mode & forbidden == 0 else {
      throw ConfigurationError([
        "\(path): others may read or write it (mode \(String(mode, radix: 8))); chmod 600 it"
      ])
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    guard data.count <= largestFile, let text = String(data: data, encoding: .utf8) else {
      throw ConfigurationError(["\(path): must be text of at most \(largestFile) bytes"])
    }
    return try KeyRing(credential: text, policy: policy)
  }
}
