import CoreTime
import HTTPTypes
import Hummingbird
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// REST under `/v1`, described by docs/openapi.yaml, and the page at `/`. Decodes, calls, encodes.
struct RESTAPI: Sendable {
  let intake: Intake
  let repository: OrderRepository
  let canceller: Canceller
  let catalog: CatalogView
  let cursors: ListCursor
  let proxies: TrustedProxies
  let status: @Sendable () async -> StatusView

  /// What is served besides documents, as docs/openapi.yaml describes it; HEAD and OPTIONS follow from it.
  static let table: [(method: HTTPRequest.Method, path: String, handler: Handler)] = [
    (.post, "/v1/orders", { try await $0.submit($1, $2) }),
    (.post, "/v1/orders:batch", { try await $0.batch($1, $2) }),
    (.get, "/v1/orders", { try await $0.list($1, $2) }),
    (.get, "/v1/orders/{id}", { try await $0.order($1, $2) }),
    (.get, "/v1/orders/{id}/events", { try await $0.timeline($1, $2) }),
    (.get, "/v1/orders/{id}/causality", { try await $0.causality($1, $2) }),
    (.post, "/v1/orders/{id}/cancel", { try await $0.cancel($1, $2) }),
    (.get, "/v1/events", { try await $0.follow($1, $2) }),
    (.get, "/v1/catalog", { api, request, _ in api.catalog.response(to: request) }),
    (.get, "/v1/status", { api, _, _ in JSONBody.response(await api.status()) }),
  ]

  typealias Handler = @concurrent @Sendable (RESTAPI, Request, RESTContext) async throws -> Response

  private var routes: [Route] {
    Self.table.map { entry in
      Route(entry.method, entry.path) { try await entry.handler(self, $0, $1) }
    } + (OpenAPIRoutes.assets + PageRoutes.assets).map(Self.route)
  }

  private static func route(_ path: String, _ asset: PageRoutes.Asset) -> Route {
    Route(.get, path) { _, _ in asset.response }
  }

  func router() -> Router<RESTContext> {
    let routes = routes
    let router = Router(context: RESTContext.self)
    router.add(middleware: ProblemMiddleware(routes: routes))
    for route in routes {
      router.on(RouterPath(route.path), method: route.method, use: route.handler)
      // RFC 9110 §9.3.2: what can be got can be asked for its head.
      guard route.method == .get else { continue }
      router.on(RouterPath(route.path), method: .head) { request, context in
        var response = try await route.handler(request, context)
        let length = response.body.contentLength
        // Sets the header to the length of what is sent.
        response.body = .init()
        if let length { response.headers[.contentLength] = String(length) }
        return response
      }
    }
    return router
  }

  private func order(_ request: Request, _ context: RESTContext) async throws -> Response {
    JSONBody.response(OrderView(try await repository.order(try Self.id(context))))
  }

  private func timeline(_ request: Request, _ context: RESTContext) async throws -> Response {
    let id = try Self.id(context)
    return JSONBody.response(TimelineView(id, try await repository.timeline(of: id)))
  }

  /// The order that the path names.
  static func id(_ context: RESTContext) throws -> OrderID {
    let text = context.parameters.get("id") ?? ""
    guard let id = OrderID(text) else {
      throw ServiceError(.notFound, "'\(text.prefix(64))' is not an order's id, which is a UUIDv7")
    }
    return id
  }

  /// The query's parameters by name; throws for one that is not among `known`, or stands twice.
  static func query(_ request: Request, known: [String]) throws -> [String: String] {
    var values: [String: String] = [:]
    for (name, value) in request.uri.queryParameters {
      guard known.contains(String(name)) else {
        let list = known.count > 1 ? known.dropLast().joined(separator: ", ") + " and " : ""
        throw parameter(String(name), "is not known; there are \(list)\(known.last ?? "none")")
      }
      guard values.updateValue(String(value), forKey: String(name)) == nil else {
        throw parameter(String(name), "must stand once")
      }
    }
    return values
  }

  static func parameter(_ name: String, _ problem: String) -> ServiceError {
    ServiceError(
      .invalidArgument, "the query parameter '\(name.prefix(40))' \(problem)",
      details: ["field": String(name.prefix(40)), "problem": problem])
  }
}
