import HTTPTypes
import OrderDomain
import OrderWire
import Testing

@testable import Orchestrator

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// docs/openapi.yaml describes what is served, all of it and nothing else.
@Suite(.timeLimit(.minutes(2))) struct OpenAPITests {
  private func document(_ shop: Shop) async throws -> JSON {
    let reply = try await shop.http.get("/v1/openapi.json")
    #expect(reply.status == 200 && reply.headers["content-type"] == "application/json")
    return try reply.json()
  }

  private func members(_ value: JSON) -> [String: JSON] {
    if case .object(let members) = value { members } else { [:] }
  }

  @Test func itIsServedAsItStandsInTheRepository() async throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/openapi.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    try await withShop { shop, _ in
      let reply = try await shop.http.get("/v1/openapi.yaml")
      #expect(reply.status == 200 && reply.headers["content-type"] == "application/yaml")
      #expect(reply.body.trimmedEnd == text.trimmedEnd, "run tools/embed-page")
      #expect(try await document(shop)["openapi"].text == "3.1.0")
    }
  }

  @Test func everyRouteIsDescribedAndNoOther() async throws {
    try await withShop { shop, _ in
      let paths = members(try await document(shop)["paths"])
      let described = paths.flatMap { path, item in
        members(item).keys.filter { ["get", "post", "put", "delete", "patch"].contains($0) }.map {
          "\($0) \(path)"
        }
      }
      let served =
        RESTAPI.table.map { "\($0.method.rawValue.lowercased()) \($0.path)" }
        + OpenAPIRoutes.assets.map { "get \($0.path)" }
      #expect(Set(described) == Set(served) && described.count == served.count)
      let operations = paths.values.flatMap { members($0).values }.compactMap { $0["operationId"].text }
      #expect(Set(operations).count == served.count, "each operation has a name of its own")
    }
  }

  @Test func everyCodeStateAndFilterIsDescribed() async throws {
    try await withShop { shop, _ in
      let document = try await document(shop)
      let schemas = document["components"]["schemas"]
      #expect(
        Set(schemas["ProblemCode"]["enum"].list.compactMap(\.text)) == Set(ErrorCode.all.map(\.rawValue)))
      #expect(
        Set(schemas["OrderState"]["enum"].list.compactMap(\.text)) == Set(OrderState.allCases.map(\.rawValue))
      )
      let filters = document["paths"]["/v1/orders"]["get"]["parameters"].list.compactMap { $0["name"].text }
      #expect(filters == ListQuery.parameters)
    }
  }

  @Test func everyReferenceHasItsTarget() async throws {
    try await withShop { shop, _ in
      let document = try await document(shop)
      var references: [String] = []
      func gather(_ value: JSON) {
        switch value {
        case .object(let members):
          if let target = members["$ref"]?.text { references.append(target) }
          members.values.forEach(gather)
        case .list(let elements): elements.forEach(gather)
        case .null, .boolean, .number, .text: break
        }
      }
      gather(document)
      #expect(references.count > 50)
      for reference in Set(references) {
        let target = reference.split(separator: "/").dropFirst().reduce(document) { $0[String($1)] }
        #expect(target != .null, "\(reference)")
      }
    }
  }
}

extension String {
  fileprivate var trimmedEnd: Substring {
    var text = self[...]
    while text.last?.isNewline == true { text.removeLast() }
    return text
  }
}
