import HTTPTypes
import Hummingbird
import JournalLog
import Logging
import NIOCore
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An error as REST tells it: `application/problem+json` (RFC 9457).
struct Problem: Encodable, Sendable {
  static let mediaType = "application/problem+json"

  struct FieldError: Encodable, Sendable {
    /// JSON pointer (RFC 6901), or the name of a header or a query parameter.
    let field: String
    let message: String
  }

  /// `urn:ordersd:error:` and the code.
  let type: String
  let title: String
  let status: Int
  let detail: String
  let code: String
  let service: String?
  let retryable: Bool
  let orderId: String?
  /// The order's state, where that is what stands in the way, and who holds the order.
  let state: String?
  let holder: String?
  let errors: [FieldError]?

  init(_ error: ServiceError) {
    type = "urn:ordersd:error:\(error.code.rawValue)"
    title = error.code.rawValue.replacing("_", with: " ")
    status = error.code.disposition.http
    detail = error.message
    code = error.code.rawValue
    service = error.service
    retryable = error.isRetryable
    orderId = error.details["orderId"]
    state = error.details["state"]
    holder = error.details["holder"]
    errors = error.details["field"].map {
      [FieldError(field: $0, message: error.details["problem"] ?? error.message)]
    }
  }
}

/// Turns every error of a handler into a problem, and a wrong method on a known path into 405 with `Allow`.
struct ProblemMiddleware: RouterMiddleware {
  typealias Context = RESTContext

  let routes: [Route]

  func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as ServiceError {
      return response(error)
    } catch is CancellationError {
      return response(ServiceError(.stopping, "the orchestrator is stopping", retryAfter: .seconds(2)))
    } catch let error as HTTPError where error.status == .notFound {
      let allowed = routes.filter { $0.matches(request.uri.path) }.flatMap {
        $0.method == .get ? ["GET", "HEAD"] : [$0.method.rawValue]
      }
      if request.method == .options, !allowed.isEmpty {
        // RFC 9110 §9.3.7.
        return Response(
          status: .noContent, headers: [.allow: (allowed + ["OPTIONS"]).joined(separator: ", ")])
      }
      guard !allowed.isEmpty else {
        return response(
          ServiceError(
            .notFound, "nothing is served at \(request.uri.path.prefix(200)); see / and /v1/openapi.yaml"))
      }
      var answer = response(
        ServiceError(
          .methodNotAllowed,
          "\(request.method) is not allowed at \(request.uri.path.prefix(200)); "
            + "use \(allowed.joined(separator: " or "))"
        ))
      answer.headers[.allow] = allowed.joined(separator: ", ")
      return answer
    } catch let error as HTTPError where (400..<500).contains(error.status.code) {
      return response(ServiceError(.malformedBody, error.body ?? error.status.reasonPhrase))
    } catch {
      context.logger.tell(
        OrderEvent.requestFailed,
        metadata: [
          "method": "\(request.method)", "path": "\(request.uri.path.prefix(200))", "reason": "\(error)",
        ])
      return response(ServiceError(.internal, "the request could not be carried out; the journal says why"))
    }
  }

  private func response(_ error: ServiceError) -> Response {
    var response = JSONBody.response(
      Problem(error), status: .init(code: error.code.disposition.http), type: Problem.mediaType)
    if let after = error.retryAfter {
      response.headers[.retryAfter] = String(max(1, after.components.seconds))
    } else if error.code.disposition.http == 503 {
      response.headers[.retryAfter] = "1"
    }
    return response
  }
}

/// One thing that is served.
struct Route: Sendable {
  typealias Handler = @concurrent @Sendable (Request, RESTContext) async throws -> Response

  let method: HTTPRequest.Method
  /// Segments in braces are parameters.
  let path: String
  let handler: Handler

  init(_ method: HTTPRequest.Method, _ path: String, handler: @escaping Handler) {
    self.method = method
    self.path = path
    self.handler = handler
  }

  func matches(_ requested: String) -> Bool {
    let segments = requested.split(separator: "/")
    let own = path.split(separator: "/")
    return own.count == segments.count && zip(own, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }
}

/// Values as JSON bodies.
enum JSONBody {
  static func encode(_ value: some Encodable) throws -> Data {
    Data(try JSONText.encode(value))
  }

  static func response(
    _ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json"
  ) -> Response {
    do {
      let body = try encode(value)
      return Response(
        status: status, headers: [.contentType: type], body: .init(byteBuffer: ByteBuffer(bytes: body)))
    } catch {
      // Only a non-finite number can fail to encode, and no view holds one.
      preconditionFailure("a view could not be encoded: \(error)")
    }
  }
}
