import CoreTime
import DaemonKit
import HTTPTypes
import Hummingbird
import NIOCore
import OrderDomain
import OrderWire
import ServiceLifecycle

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// REST under `/v1`, and the page at `/`. Decodes, calls, encodes.
struct RESTAPI: Sendable {
  let intake: Intake
  let repository: OrderRepository
  let catalog: CatalogView
  let status: @Sendable () async -> StatusView

  /// Orders of one page of the list.
  static let pageLimit = 1...200
  private static let streamPath = "/v1/events"
  /// From the head of a request to the end of its body.
  static let bodyDeadline = Duration.seconds(10)

  func router() -> Router<BasicRequestContext> {
    var routes = [
      Route(.post, "/v1/orders") { try await submit($0, $1) },
      Route(.get, "/v1/orders") { try await list($0, $1) },
      Route(.get, "/v1/orders/{id}") { try await order($0, $1) },
      Route(.get, "/v1/orders/{id}/events") { try await timeline($0, $1) },
      Route(.get, Self.streamPath) { try await follow($0, $1) },
      Route(.get, "/v1/catalog") { request, _ in catalog.response(to: request) },
      Route(.get, "/v1/status") { _, _ in JSONBody.response(await status()) },
    ]
    routes += PageRoutes.assets.map { path, asset in Route(.get, path) { _, _ in asset.response } }
    let router = Router()
    router.add(middleware: ProblemMiddleware(routes: routes))
    for route in routes {
      router.on(RouterPath(route.path), method: route.method, use: route.handler)
      // RFC 9110 §9.1: what can be got can be asked for its head; an event stream has no end to wait for.
      guard route.method == .get, route.path != Self.streamPath else { continue }
      router.on(RouterPath(route.path), method: .head) { request, context in
        var response = try await route.handler(request, context)
        response.headers[.contentLength] = response.body.contentLength.map(String.init)
        response.body = .init()
        return response
      }
    }
    return router
  }

  private func submit(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    guard let type = request.headers[.contentType], Self.isJSON(type) else {
      throw ServiceError(
        .unsupportedMediaType,
        "the header Content-Type must be application/json, "
          + "not '\(request.headers[.contentType]?.prefix(80) ?? "absent")'"
      )
    }
    let body = try await Self.body(of: request)
    let answer = try await intake.submit(
      Data(body.readableBytesView), idempotencyKey: request.headers[Self.idempotencyKey])
    // A held order is not decided yet.
    let status: HTTPResponse.Status = answer.order.state == .interrupted ? .accepted : .created
    var response = JSONBody.response(OrderView(answer.order), status: status)
    response.headers[.location] = "/v1/orders/\(answer.order.id)"
    if answer.isReplay { response.headers[Self.replayed] = "true" }
    return response
  }

  /// The whole body; no larger than an order may be, and within `bodyDeadline`.
  private static func body(of request: Request) async throws -> ByteBuffer {
    let body = request.body
    return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        do {
          return try await cancelWhenGracefulShutdown {
            try await body.collect(upTo: OrderDocument.maximumSize)
          }
        } catch is NIOTooManyBytesError {
          throw ServiceError(
            .bodyTooLarge, "the body is too large; at most \(OrderDocument.maximumSize) bytes are taken")
        }
      }
      group.addTask {
        try await Task.sleep(for: bodyDeadline)
        return nil
      }
      guard let whole = try await group.next() ?? nil else {
        throw ServiceError(.requestTimeout, "the body did not arrive within \(bodyDeadline); send it at once")
      }
      return whole
    }
  }

  private func order(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    JSONBody.response(OrderView(try await repository.order(try id(context))))
  }

  private func timeline(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = try id(context)
    return JSONBody.response(TimelineView(id, try await repository.timeline(of: id)))
  }

  private func list(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let query = request.uri.queryParameters
    let known: Set = ["state", "limit", "cursor"]
    if let unknown = query.map(\.key).first(where: { !known.contains(String($0)) }) {
      throw Self.parameter(String(unknown), "is not known; there are state, limit and cursor")
    }
    let state = try query["state"].map { text in
      guard let state = OrderState(rawValue: String(text)) else {
        throw Self.parameter(
          "state", "must be one of \(OrderState.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return state
    }
    let limit = try query["limit"].map { text in
      guard let limit = Int(text), Self.pageLimit.contains(limit) else {
        throw Self.parameter("limit", "must be a whole number from 1 to \(Self.pageLimit.upperBound)")
      }
      return limit
    }
    let before = try query["cursor"].map { text in
      guard let id = OrderID(String(text)) else {
        throw Self.parameter("cursor", "must be the 'next' of the page before")
      }
      return id
    }
    let size = limit ?? 50
    // One more than asked for tells whether there is another page.
    let found = try await repository.list(state: state, before: before, limit: size + 1)
    let page = found.prefix(size)
    return JSONBody.response(
      OrderListView(orders: page.map(OrderView.init), next: found.count > size ? page.last?.id : nil))
  }

  private func follow(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = try request.uri.queryParameters["order"].map { text in
      guard let id = OrderID(String(text)) else { throw Self.parameter("order", "must be an order's id") }
      return id
    }
    // Followed before it is read, so that no change falls between the two.
    let changes = try repository.feed.follow(id)
    let first = if let id { try await repository.order(id) } else { StoredOrder?.none }
    return EventStream.response(first: first, changes: changes, request: request)
  }

  private func id(_ context: BasicRequestContext) throws -> OrderID {
    let text = context.parameters.get("id") ?? ""
    guard let id = OrderID(text) else {
      throw ServiceError(.notFound, "'\(text.prefix(64))' is not an order's id, which is a UUIDv7")
    }
    return id
  }

  private static func parameter(_ name: String, _ problem: String) -> ServiceError {
    ServiceError(
      .invalidArgument, "the query parameter '\(name.prefix(40))' \(problem)",
      details: ["field": String(name.prefix(40)), "problem": problem])
  }

  /// `application/json`, with or without parameters, in any case (RFC 9110 §8.3).
  private static func isJSON(_ type: String) -> Bool {
    type.lowercased().split(separator: ";").first.map { $0.filter { $0 != " " } } == "application/json"
  }

  private static let idempotencyKey = HTTPField.Name("Idempotency-Key").unsafelyNamed
  private static let replayed = HTTPField.Name("Idempotency-Replayed").unsafelyNamed
}

extension HTTPField.Name? {
  /// For names written in this file, which are valid.
  fileprivate var unsafelyNamed: HTTPField.Name {
    guard let self else { preconditionFailure("a header's name is not valid") }
    return self
  }
}
