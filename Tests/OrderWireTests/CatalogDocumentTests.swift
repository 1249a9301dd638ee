import OrderDomain
import OrderWire
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

struct CatalogDocumentTests {
  @Test func theBuiltInCatalogIsTheExample() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("examples/catalog.json")
    #expect(try CatalogDocument.decode(Data(contentsOf: file)) == CatalogDocument.builtIn)
    #expect(CatalogDocument.builtIn.problems().isEmpty)
  }

  @Test(arguments: [
    ("", "is not JSON; it must be an object as in examples/catalog.json"),
    ("[]", "it must be an object"),
    (#"{"items": []}"#, "currency: is missing"),
    (#"{"currency": "euro", "items": []}"#, "currency: 'euro' is not an ISO 4217 code such as EUR"),
    (#"{"currency": "EUR", "items": []}"#, "items: must hold at least one item"),
    (#"{"currency": "EUR", "items": [{"title": "X", "price": 1, "tags": []}]}"#, "items[0].sku: is missing"),
    (
      #"{"currency": "EUR", "items": [{"sku": "x", "title": "X", "price": -1, "tags": []}]}"#,
      "items[0].price: must not be negative, is -1"
    ),
    (
      #"{"currency": "EUR", "items": [{"sku": "x", "title": "X", "price": 12.99, "tags": []}]}"#,
      "items[0].price: must be a whole number of minor units, such as 1299 for 12.99"
    ),
    (
      #"{"currency": "EUR", "items": [{"sku": "x", "title": "X", "price": 1, "tags": "t"}]}"#,
      "items[0].tags: must be a list"
    ),
  ])
  func theMistakeIsNamed(_ text: String, _ problem: String) {
    let error = #expect(throws: CatalogDocument.Invalid.self) { try CatalogDocument.decode(Data(text.utf8)) }
    #expect(error?.problems == [problem])
  }

  @Test func manyMistakesAreCutShort() {
    let item = #"{"sku": "x", "title": "X", "price": -1, "tags": []}"#
    let items = Array(repeating: item, count: 30).joined(separator: ",")
    let error = #expect(throws: CatalogDocument.Invalid.self) {
      try CatalogDocument.decode(Data(#"{"currency": "EUR", "items": [\#(items)]}"#.utf8))
    }
    #expect(error?.problems.count == 21)
    #expect(error?.problems.last == "and 39 more")
  }
}
