import HTTPTypes
import Hummingbird
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RESTAPI {
  /// `POST /v1/orders`.
  func submit(_ request: Request, _ context: RESTContext) async throws -> Response {
    try Self.requireType(["application/json"], of: request)
    let body = try await body(of: request, upTo: OrderDocument.maximumSize)
    let answer = try await intake.submit(
      body, idempotencyKey: request.headers[Self.idempotencyKey], client: proxies.client(request, context))
    // A held order is not decided yet.
    let status: HTTPResponse.Status = answer.order.state == .interrupted ? .accepted : .created
    var response = JSONBody.response(OrderView(answer.order), status: status)
    response.headers[.location] = "/v1/orders/\(answer.order.id)"
    if answer.isReplay { response.headers[Self.replayed] = "true" }
    return response
  }

  /// The body's type, with or without parameters, in any case (RFC 9110 §8.3), must be one of `types`.
  static func requireType(_ types: [String], of request: Request) throws {
    let given = request.headers[.contentType]
    let type = given?.lowercased().split(separator: ";").first.map { $0.filter { $0 != " " && $0 != "\t" } }
    guard let type, types.contains(type) else {
      throw ServiceError(
        .unsupportedMediaType,
        "the header Content-Type must be \(types.joined(separator: " or ")), "
          + "not '\(given?.prefix(80) ?? "absent")'")
    }
  }

  static let idempotencyKey = HTTPField.Name("Idempotency-Key").unsafelyNamed
  static let replayed = HTTPField.Name("Idempotency-Replayed").unsafelyNamed
  static let lastEventID = HTTPField.Name("Last-Event-ID").unsafelyNamed
}

extension HTTPField.Name? {
  /// For names written in this file, which are valid.
  fileprivate var unsafelyNamed: HTTPField.Name {
    guard let self else { preconditionFailure("a header's name is not valid") }
    return self
  }
}
