import DaemonKit
import Testing

@testable import Orchestrator

/// Where an order comes from, as the checks are told.
@Suite(.timeLimit(.minutes(2))) struct ClientAddressTests {
  private func clients(_ flags: [String: String], _ headers: [[String: String]]) async throws -> [String] {
    try await withShop(flags) { shop, around in
      for fields in headers {
        let reply = try await shop.http.exchange(
          "POST", "/v1/orders", fields.merging(["Content-Type": "application/json"]) { $1 }, body: orderBody()
        )
        #expect(reply.status == 201, "\(reply.body)")
      }
      #expect(around.verification.clients == around.fraud.clients, "every check is told the same")
      return around.fraud.clients
    }
  }

  @Test func itIsThePeerOfTheConnectionWhateverAHeaderSays() async throws {
    #expect(
      try await clients([:], [[:], ["X-Forwarded-For": "203.0.113.7"]]) == ["127.0.0.1", "127.0.0.1"])
  }

  @Test func aTrustedProxyIsBelieved() async throws {
    let told = try await clients(
      ["orchestrator.trusted-proxies": "127.0.0.1,192.0.2.1"],
      [
        ["X-Forwarded-For": "203.0.113.7"],
        // Whoever asks can write what they like before what the proxies add.
        ["X-Forwarded-For": "10.0.0.1, 198.51.100.9, 192.0.2.1"],
        ["X-Forwarded-For": "2001:DB8::1"], ["X-Forwarded-For": "::ffff:203.0.113.8"],
        ["X-Forwarded-For": "somebody"], [:],
      ])
    #expect(told == ["203.0.113.7", "198.51.100.9", "2001:db8::1", "203.0.113.8", "", ""])
  }

  @Test func aBatchComesFromSomewhereToo() async throws {
    try await withShop { shop, around in
      let reply = try await shop.http.exchange(
        "POST", "/v1/orders:batch", ["Content-Type": "application/x-ndjson"], body: orderLine() + "\n")
      #expect(reply.status == 200)
      #expect(around.fraud.clients == ["127.0.0.1"])
    }
  }

  @Test func whatIsNoAddressIsAMistakeOfTheSettings() {
    let reader = SettingsReader(layers: [.flags(["orchestrator.trusted-proxies": "127.0.0.1,proxy"])])
    _ = OrchestratorConfiguration(reader: reader, environment: [:])
    #expect(throws: ConfigurationError.self) { try reader.validate() }
  }
}
