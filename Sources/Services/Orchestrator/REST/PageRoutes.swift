import Hummingbird
import NIOCore

/// The page and what it loads: from the binary, with a content policy that allows nothing else.
enum PageRoutes {
  struct Asset: Sendable {
    let type: String
    let text: String

    var response: Response {
      Response(
        status: .ok,
        headers: [
          .contentType: type, .cacheControl: "no-cache",
          .contentSecurityPolicy: PageAssets.contentSecurityPolicy,
          .xContentTypeOptions: "nosniff",
        ],
        body: .init(byteBuffer: ByteBuffer(string: text)))
    }
  }

  static let assets: [(path: String, asset: Asset)] = [
    ("/", Asset(type: "text/html; charset=utf-8", text: PageAssets.html)),
    ("/page.css", Asset(type: "text/css; charset=utf-8", text: PageAssets.css)),
    ("/page.js", Asset(type: "text/javascript; charset=utf-8", text: PageAssets.js)),
    ("/page.svg", Asset(type: "image/svg+xml", text: PageAssets.icon)),
  ]
}
