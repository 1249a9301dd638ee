import FoundationEssentials
import OrderDomain
import Testing

func example<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
  let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  return try JSONDecoder().decode(type, from: Data(contentsOf: root.appending(path: "examples/\(name)")))
}

func price(of order: OrderRequest, in catalog: Catalog) throws -> Money {
  let items = catalog.itemsBySKU()
  var sum: Int64 = 0
  for item in order.items { sum += try #require(items[item.sku]).price * Int64(item.quantity) }
  return Money(minorUnits: sum, currency: catalog.currency)
}
