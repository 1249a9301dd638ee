import OrderWire
import Testing

/// Whatever is sent is answered with what is wrong with it, and never with a 500.
@Suite(.timeLimit(.minutes(2))) struct BadInputTests {
  private struct Case {
    let what: String
    let method: String
    let path: String
    var headers: [String: String] = ["Content-Type": "application/json"]
    var body: String?
    let status: Int
    let code: String
    /// Must stand in `detail`.
    let says: String
    var field: String?
    var allow: String?
  }

  private static func order(
    _ what: String, _ body: String, _ status: Int, _ code: String, _ says: String, field: String? = nil
  )
    -> Case
  {
    Case(
      what: what, method: "POST", path: "/v1/orders", body: body, status: status, code: code, says: says,
      field: field)
  }

  private static func get(_ path: String, _ status: Int, _ code: String, _ says: String, field: String? = nil)
    -> Case
  {
    Case(
      what: path, method: "GET", path: path, headers: [:], status: status, code: code, says: says,
      field: field)
  }

  private static let id = "0192f3a1-0000-7000-8000-000000000000"

  private static let cases: [Case] = [
    order("malformed JSON", "{", 400, "malformed_body", "not JSON"),
    order("an empty body", "", 400, "malformed_body", "not JSON"),
    order("not UTF-8 JSON", "\u{0}\u{1}", 400, "malformed_body", "not JSON"),
    order("a list", "[]", 422, "invalid_argument", "must be an object", field: ""),
    order(
      "a missing field", orderBody().replacing(#", "email": "ada@example.org""#, with: ""), 422,
      "invalid_argument",
      "/customer/email is missing", field: "/customer/email"),
    order(
      "a wrong type", orderBody().replacing(#""quantity": 2"#, with: #""quantity": "two""#), 422,
      "invalid_argument",
      "/items/0/quantity must be a whole number", field: "/items/0/quantity"),
    order(
      "a huge number", orderBody().replacing(#""quantity": 2"#, with: #""quantity": 1e99"#), 422,
      "invalid_argument",
      "/items/0/quantity must be a whole number", field: "/items/0/quantity"),
    order(
      "a card number elsewhere", orderBody().replacing("Ülikooli 18", with: "4111-1111 1111 1111"), 422,
      "invalid_argument", "/billingAddress/street must not contain the card's number",
      field: "/billingAddress/street"),
    order(
      "too large", orderBody() + String(repeating: " ", count: 64 << 10), 413, "body_too_large",
      "65536 bytes"),
    Case(
      what: "a wrong content type", method: "POST", path: "/v1/orders",
      headers: ["Content-Type": "text/plain"],
      body: orderBody(), status: 415, code: "unsupported_media_type", says: "application/json"),
    Case(
      what: "no content type", method: "POST", path: "/v1/orders", headers: [:], body: orderBody(),
      status: 415,
      code: "unsupported_media_type", says: "absent"),
    Case(
      what: "a bad key", method: "POST", path: "/v1/orders",
      headers: ["Content-Type": "application/json", "Idempotency-Key": String(repeating: "k", count: 129)],
      body: orderBody(), status: 422, code: "invalid_argument", says: "1 to 128", field: "Idempotency-Key"),
    get("/v1/orders/\(id)", 404, "not_found", "there is no order \(id)"),
    get("/v1/orders/\(id)/events", 404, "not_found", "there is no order \(id)"),
    get("/v1/orders/xyz", 404, "not_found", "is not an order's id"),
    get("/v1/orders/%00", 404, "not_found", "is not an order's id"),
    get("/v1/events?order=\(id)", 404, "not_found", "there is no order"),
    get("/v1/nonsense", 404, "not_found", "nothing is served at /v1/nonsense"),
    get("/v1/orders?limit=0", 422, "invalid_argument", "from 1 to 200", field: "limit"),
    get("/v1/orders?limit=many", 422, "invalid_argument", "whole number", field: "limit"),
    get("/v1/orders?state=lost", 422, "invalid_argument", "received, verifying", field: "state"),
    get("/v1/orders?cursor=7", 422, "invalid_argument", "'next' of the page before", field: "cursor"),
    get("/v1/orders?sort=age", 422, "invalid_argument", "there are state, from, to", field: "sort"),
    get("/v1/events?order=7", 422, "invalid_argument", "an order's id", field: "order"),
    Case(
      what: "PUT", method: "PUT", path: "/v1/orders", body: "{}", status: 405, code: "method_not_allowed",
      says: "POST or GET", allow: "POST, GET, HEAD"),
    Case(
      what: "DELETE", method: "DELETE", path: "/v1/orders/\(id)", headers: [:], status: 405,
      code: "method_not_allowed", says: "DELETE is not allowed", allow: "GET, HEAD"),
    Case(
      what: "POST of the page", method: "POST", path: "/", body: "{}", status: 405,
      code: "method_not_allowed",
      says: "use GET", allow: "GET, HEAD"),
  ]

  @Test func everyMistakeIsNamed() async throws {
    try await withShop { shop, around in
      for mistake in Self.cases {
        let reply = try await shop.http.exchange(
          mistake.method, mistake.path, mistake.headers, body: mistake.body)
        #expect(reply.status == mistake.status, "\(mistake.what): \(reply.body)")
        #expect(reply.headers["content-type"] == "application/problem+json", "\(mistake.what)")
        #expect(reply.headers["allow"] == mistake.allow, "\(mistake.what)")
        guard reply.headers["content-type"] == "application/problem+json" else { continue }
        let problem = try reply.json()
        #expect(problem["code"].text == mistake.code, "\(mistake.what)")
        #expect(
          problem["type"].text == "urn:ordersd:error:\(mistake.code)"
            && problem["status"].number == Double(reply.status))
        #expect(problem["detail"].text?.contains(mistake.says) == true, "\(mistake.what): \(reply.body)")
        #expect(problem["retryable"].boolean == false, "\(mistake.what)")
        #expect(problem["errors"][0]["field"].text == mistake.field, "\(mistake.what): \(reply.body)")
      }
      #expect(around.verification.requests.isEmpty, "none of them is an order")
      #expect(try await shop.http.get("/v1/orders").json()["orders"].list.isEmpty)
      #expect(!around.log.lines.contains { $0.hasPrefix("error") })
    }
  }

  @Test func aFullPoolIsTold() async throws {
    try await withShop(["orchestrator.max-in-flight": "1", "orchestrator.order-deadline": "2s"]) {
      shop, around in
      around.verification.behaviour = .hang
      async let first = shop.http.post(orderBody())
      #expect(try await eventually { around.verification.requests.count == 1 })
      let second = try await shop.http.post(orderBody())
      #expect(second.status == 503 && second.headers["retry-after"] == "1")
      let problem = try second.json()
      #expect(problem["code"].text == "overloaded" && problem["retryable"].boolean == true)
      #expect(try await first.status == 201)
    }
  }
}
