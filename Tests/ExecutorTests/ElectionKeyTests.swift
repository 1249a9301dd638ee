import DaemonKit
import ElectionWire
import Testing

@testable import Executor

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct ElectionKeyTests {
  /// Both names under which executor@.service loads it.
  @Test(arguments: ["ordersd.election-key", "election.key"])
  func aCredentialSignsInClearOrEncrypted(name: String) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("credentials-\(UInt64.random(in: 0...UInt64.max))").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let key = Data("7:00112233445566778899aabbccddeeff\n".utf8)
    // The group bit is what systemd's ACL shows as.
    #expect(
      FileManager.default.createFile(
        atPath: "\(folder)/\(name)", contents: key, attributes: [.posixPermissions: 0o440]))
    let reader = SettingsReader(layers: [])
    let keys = ElectionKey.read(reader, environment: ["CREDENTIALS_DIRECTORY": folder])
    try reader.validate()
    #expect(keys.signingKeyID == 7)
    #expect(!keys.accepts(KeyRing.unsignedKeyID))
  }
}
