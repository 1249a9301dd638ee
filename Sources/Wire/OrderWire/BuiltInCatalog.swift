package import OrderDomain

extension CatalogDocument {
  /// What is sold when no catalog is configured: the same as `examples/catalog.json`.
  package static let builtIn = Catalog(
    currency: .euro,
    items: [
      CatalogItem(
        sku: "book-dune", title: "Frank Herbert: Dune", price: 1_299,
        tags: ["science-fiction", "classic", "novel"]),
      CatalogItem(
        sku: "book-dune-messiah", title: "Frank Herbert: Dune Messiah", price: 1_199,
        tags: ["science-fiction", "novel"]),
      CatalogItem(
        sku: "book-hyperion", title: "Dan Simmons: Hyperion", price: 1_399,
        tags: ["science-fiction", "novel"]),
      CatalogItem(
        sku: "book-left-hand", title: "Ursula K. Le Guin: The Left Hand of Darkness", price: 1_249,
        tags: ["science-fiction", "classic", "novel"]),
      CatalogItem(
        sku: "book-solaris", title: "Stanisław Lem: Solaris", price: 1_150,
        tags: ["science-fiction", "classic", "novel"]),
      CatalogItem(sku: "book-emma", title: "Jane Austen: Emma", price: 899, tags: ["classic", "novel"]),
      CatalogItem(
        sku: "book-distributed-systems", title: "Maarten van Steen, Andrew S. Tanenbaum: Distributed Systems",
        price: 3_500,
        tags: ["computing", "textbook"]),
      CatalogItem(
        sku: "book-algorithms", title: "Donald E. Knuth: The Art of Computer Programming, Volume 1",
        price: 6_999,
        tags: ["computing", "textbook", "classic"]),
      CatalogItem(
        sku: "book-baking", title: "Bread from Rye and Wheat", price: 2_450,
        tags: ["cooking", "baking"]),
      CatalogItem(
        sku: "goods-mug", title: "Mug, stoneware, 0.4 l", price: 1_490,
        tags: ["kitchen", "gift"]),
      CatalogItem(
        sku: "goods-teapot", title: "Teapot, cast iron, 0.8 l", price: 5_900,
        tags: ["kitchen", "gift", "tea"]),
      CatalogItem(
        sku: "goods-tea-sampler", title: "Black teas, 12 kinds, 240 g", price: 1_850,
        tags: ["tea", "gift"]),
      CatalogItem(
        sku: "goods-reading-lamp", title: "Reading lamp, brass", price: 12_900,
        tags: ["lighting", "reading"]),
      CatalogItem(
        sku: "goods-bookends", title: "Bookends, oak, one pair", price: 3_200,
        tags: ["reading", "gift"]),
    ])
}

extension Currency {
  /// The literal is an ISO 4217 code, so that making it cannot fail.
  fileprivate static var euro: Currency {
    guard let euro = Currency("EUR") else { preconditionFailure("EUR is not taken for a currency") }
    return euro
  }
}
