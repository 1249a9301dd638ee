import Crypto
import Hummingbird
import NIOCore
import OrderDomain

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `GET /v1/catalog`: encoded once, with a strong ETag (RFC 9110 §8.8.3).
struct CatalogView: Sendable {
  private let body: Data
  private let tag: String

  init(_ catalog: Catalog) throws {
    body = try JSONBody.encode(catalog)
    tag = "\"" + SHA256.hash(data: body).prefix(12).hexadecimal + "\""
  }

  /// Weak comparison with any of a list (RFC 9110 §13.1.2): a proxy that compresses makes the tag weak.
  private func matches(_ field: String) -> Bool {
    field.split(separator: ",").contains { part in
      let known = part.filter { $0 != " " }
      return known == "*" || known == tag || known == "W/" + tag
    }
  }

  func response(to request: Request) -> Response {
    if let known = request.headers[.ifNoneMatch], matches(known) {
      return Response(status: .notModified, headers: [.eTag: tag, .cacheControl: "no-cache"])
    }
    return Response(
      status: .ok,
      headers: [.contentType: "application/json", .eTag: tag, .cacheControl: "no-cache"],
      body: .init(byteBuffer: ByteBuffer(bytes: body)))
  }
}
