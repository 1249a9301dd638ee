import OrderDomain
import OrderProtos
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Card numbers and CVVs live in memory only.
@Suite(.timeLimit(.minutes(2))) struct CardSecrecyTests {
  private static let number = "5555 5555-5555 4444"
  private static let digits = "5555555555554444"
  /// Longer than a real one, so that it stands nowhere by chance.
  private static let cvv = "cvv-73910264"
  private static var body: String { orderBody(card: number, cvv: cvv) }

  @Test func noFileAndNoLogLineHoldsACard() async throws {
    try await withSurroundings { around in
      try await withShop(around) { shop in
        let approved = try await shop.http.post(Self.body, key: "approved")
        #expect(approved.status == 201)
        let id = try #require(try approved.json()["orderId"].text)
        _ = try await shop.order(id, in: "queued")
        around.verification.behaviour = .fail(
          event: "c", Finding(code: "card_declined", field: "/payment/card/number", message: "declined"))
        #expect(try await shop.http.post(Self.body, key: "rejected").json()["state"].text == "rejected")
        around.verification.behaviour = .unavailable
        #expect(try await shop.http.post(Self.body).json()["state"].text == "rejected")
        let broken = [
          String(Self.body.dropLast(3)),
          Self.body.replacing(#""acceptTerms": true"#, with: #""acceptTerms": 7"#),
          Self.body.replacing("Ada Lovelace", with: Self.digits),
          Self.body.replacing("Ülikooli 18", with: Self.number),
          Self.body.replacing("\"EE\"", with: Self.digits),
          Self.body.replacing(#""quantity": 2"#, with: #""quantity": \#(Self.digits).5"#),
          Self.body.replacing(
            #""acceptTerms": true"#, with: #""acceptTerms": true, "priority": \#(Self.digits)"#),
          Self.body.replacing(
            #""acceptTerms": true"#, with: #""acceptTerms": true, "total": \#(Self.digits)"#),
        ]
        for body in broken {
          let reply = try await shop.http.post(body)
          #expect((400..<500).contains(reply.status), "\(reply.body)")
        }
        #expect(try await shop.http.post(Self.body, type: "text/plain").status == 415)
        #expect(try await shop.http.post(Self.body, key: "key-5555/5555/5555/4444").status == 422)
        for path in ["/v1/orders", "/v1/orders/\(id)", "/v1/orders/\(id)/events", "/v1/status"] {
          let shown = try await shop.http.get(path).body
          #expect(!shown.contains(Self.digits) && !shown.contains(Self.number) && !shown.contains(Self.cvv))
        }
        // The write-ahead log is there while the store is open.
        let names = try search(around.folder)
        #expect(names.contains("orchestrator/orders.db-wal") && names.contains("orchestrator/orders.db"))
      }
      #expect(try search(around.folder).contains("orchestrator/orders.db"))
      for line in around.log.lines {
        #expect(!line.contains(Self.digits) && !line.contains(Self.number) && !line.contains(Self.cvv))
      }
      #expect(around.log.lines.contains { $0.contains("Order decided") }, "the log was captured")
      for request in around.queue.taken {
        #expect(!holdsCard(request.body))
      }
    }
  }

  /// Looks into every file; returns their names.
  private func search(_ folder: String) throws -> [String] {
    var names: [String] = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
      var isFolder = false
      guard FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder), !isFolder
      else {
        continue
      }
      let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
      #expect(!holdsCard(content), "\(name)")
      names.append(name)
    }
    return names
  }

  private func holdsCard(_ content: Data) -> Bool {
    [Self.digits, Self.number, Self.cvv].contains { content.firstRange(of: Data($0.utf8)) != nil }
  }
}
