import BullyElection
import DaemonKit
import ElectionWire
import Executor
import MulticastTransport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

@Suite struct ConfigurationTests {
  private func problems(_ flags: [String: String]) -> [String] {
    let reader = SettingsReader(layers: [.flags(flags)])
    _ = ExecutorConfiguration(reader: reader)
    do {
      try reader.validate()
      return []
    } catch let error as ConfigurationError {
      return error.problems
    } catch {
      return ["\(error)"]
    }
  }

  @Test func portsFollowTheID() {
    let reader = SettingsReader(layers: [.flags(["executor.id": "3"])])
    let configuration = ExecutorConfiguration(reader: reader)
    #expect(configuration.server == NetworkEndpoint(host: "127.0.0.1", port: 50_063))
    #expect(configuration.admin == NetworkEndpoint(host: "127.0.0.1", port: 51_063))
    #expect(configuration.queue == NetworkEndpoint(host: "127.0.0.1", port: 50_055))
    #expect(configuration.id.rawValue == 3)
    #expect(problems(["executor.id": "3"]).isEmpty)
  }

  @Test func theOffsetMovesAllPorts() {
    let reader = SettingsReader(layers: [.flags(["executor.id": "1", "port-offset": "100"])])
    let configuration = ExecutorConfiguration(reader: reader)
    #expect(configuration.server.port == 50_161)
    #expect(configuration.queue.port == 50_155)
    #expect(
      configuration.transport.mode == .multicast(group: "239.255.77.77", port: 50_160, interface: "127.0.0.1")
    )
  }

  @Test func theIDIsRequired() {
    #expect(problems([:]).contains { $0.contains("--id N") })
    #expect(problems(["executor.id": "0"]).contains { $0.contains("--id N") })
    #expect(problems(["executor.id": "65536"]).contains { $0.contains("65535") })
  }

  @Test func anIDBeyondTheDefaultPortsNeedsThemSet() {
    let found = problems(["executor.id": "20000"])
    #expect(found.count == 2)
    #expect(found.allSatisfy { $0.contains("must be set") })
    #expect(problems(["executor.id": "20000", "executor.port": "1", "executor.admin-port": "2"]).isEmpty)
  }

  @Test(arguments: [
    ("election.group", "10.0.0.1", "multicast"),
    ("election.interface", "10.0.0", "such as 127.0.0.1 or eth0"),
    ("election.preempt", "sometimes", "when-idle"), ("election.heartbeat", "1ms", "5ms"),
    ("election.peers", "executor-1", "host:port"), ("election.lane", "Büro", "a-z"),
    ("election.key-file", "/nonexistent/key", "no such file"), ("executor.credits", "0", "1 to 1024"),
    ("election.key-policy", "trusting", "accept-any, sign-and-accept-old, enforce"),
    ("election.key-policy", "enforce", "needs a key"),
    ("election.key-policy", "sign-and-accept-old", "needs a key"),
    ("executor.fulfilment.kind", "fax", "log, command"), ("executor.fulfilment.timeout", "0s", "100ms"),
  ])
  func aMistakeNamesItsKeyAndWhatWouldBeRight(key: String, value: String, right: String) {
    let found = problems(["executor.id": "1", key: value])
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.contains(right) == true, "\(found)")
  }

  @Test func aCommandMustBeNamed() {
    #expect(problems(["executor.id": "1", "executor.fulfilment.kind": "command"]).count == 1)
    let relative = [
      "executor.id": "1", "executor.fulfilment.kind": "command", "executor.fulfilment.command": "bin/x",
    ]
    #expect(problems(relative).contains { $0.contains("absolute path") })
  }

  @Test func peersMeanUnicast() {
    let flags = [
      "executor.id": "1", "bind": "10.0.0.1", "election.peers": "10.0.0.1:50060,10.0.0.2:50060",
    ]
    #expect(problems(flags).isEmpty)
    let configuration = ExecutorConfiguration(reader: SettingsReader(layers: [.flags(flags)]))
    guard case .unicast(_, _, let peers) = configuration.transport.mode else {
      Issue.record("not unicast")
      return
    }
    #expect(peers.map(\.host) == ["10.0.0.1", "10.0.0.2"])
  }

  @Test(arguments: [
    ("127.0.0.1", "10.0.0.1:7", false), ("127.0.0.2", "127.0.0.1:7,executor-2:7", false),
    ("localhost", "[fe80::1]:7", false), ("::1", "10.0.0.1:7", false),
    ("127.0.0.1", "127.0.0.1:7,127.0.0.2:7,localhost:7", true), ("::1", "[::1]:7", true),
    ("0.0.0.0", "10.0.0.1:7", true), ("10.0.0.2", "10.0.0.1:7,executor-2:7", true),
  ])
  func peersMustBeReachableFromTheAddressBoundTo(bind: String, peers: String, isRight: Bool) {
    let found = problems(["executor.id": "1", "bind": bind, "election.peers": peers])
    #expect(found.isEmpty == isRight, "\(found)")
    #expect(isRight || found.contains { $0.contains("election.peers") && $0.contains("'bind'") }, "\(found)")
  }

  @Test(arguments: [
    ("1:00112233445566778899aabbccddeeff", 0o600, ""),
    ("1:00112233445566778899aabbccddeeff", 0o640, "chmod 600"),
    ("1:00112233445566778899aabbccddeeff", 0o604, "chmod 600"),
    ("1:0011", 0o600, "shorter than 16 bytes"), ("hello", 0o600, "line 1"), ("", 0o600, "no key"),
  ])
  func theKeyFileMustBePrivateAndLongEnough(text: String, mode: Int, right: String) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("election-key-\(UInt64.random(in: 0...UInt64.max))").path
    #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    let found = problems(["executor.id": "1", "election.key-file": path])
    #expect(found.isEmpty == right.isEmpty, "\(found)")
    #expect(found.allSatisfy { $0.contains(right) }, "\(found)")
  }

  /// The three steps of docs/PROTOCOL.md, as settings: what each signs with and takes.
  @Test(arguments: [
    (String?.none, UInt32(7), false), ("enforce", 7, false), ("sign-and-accept-old", 7, true),
    ("accept-any", 0, true),
  ])
  func theKeyPolicyIsASetting(policy: String?, signs: UInt32, takesUnsigned: Bool) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("election-key-\(UInt64.random(in: 0...UInt64.max))").path
    let key = Data("7:00112233445566778899aabbccddeeff\n".utf8)
    #expect(
      FileManager.default.createFile(atPath: path, contents: key, attributes: [.posixPermissions: 0o600]))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var flags = ["executor.id": "1", "election.key-file": path]
    flags["election.key-policy"] = policy
    #expect(problems(flags).isEmpty)
    let keys = ExecutorConfiguration(reader: SettingsReader(layers: [.flags(flags)])).keys
    #expect(keys.signingKeyID == signs)
    #expect(keys.accepts(0) == takesUnsigned && keys.accepts(7))
  }

  @Test func withoutAKeyNothingIsSigned() {
    for policy in [nil, "accept-any"] {
      var flags = ["executor.id": "1"]
      flags["election.key-policy"] = policy
      #expect(problems(flags).isEmpty)
      #expect(ExecutorConfiguration(reader: SettingsReader(layers: [.flags(flags)])).keys.signingKeyID == 0)
    }
  }
}
