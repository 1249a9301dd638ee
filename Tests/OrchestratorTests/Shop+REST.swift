import OrderProtos
import Testing

extension Shop {
  /// Submits an order; returns its id.
  func submit(_ body: String = orderBody(), key: String? = nil) async throws -> String {
    let reply = try await http.post(body, key: key)
    return try #require(try reply.json()["orderId"].text, "\(reply.body)")
  }

  func cancel(_ id: String, _ body: String? = #"{"reason": "ordered twice"}"#) async throws -> HTTPReply {
    try await http.exchange(
      "POST", "/v1/orders/\(id)/cancel", body == nil ? [:] : ["Content-Type": "application/json"], body: body)
  }

  func states(of id: String) async throws -> [String] {
    try await http.get("/v1/orders/\(id)/events").json()["entries"].list
      .filter { $0["event"] == .null }.compactMap { $0["state"].text }
  }
}

/// `orderBody()` in one line.
func orderLine(email: String = "ada@example.org", priority: Int? = nil, key: String? = nil) -> String {
  var line = orderBody().replacing("\n", with: " ").replacing("ada@example.org", with: email)
  if let priority {
    line = line.replacing(#""acceptTerms""#, with: #""priority": \#(priority), "acceptTerms""#)
  }
  if let key {
    line = line.replacing(#""acceptTerms""#, with: #""idempotencyKey": "\#(key)", "acceptTerms""#)
  }
  return line
}
