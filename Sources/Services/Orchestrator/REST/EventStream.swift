import Hummingbird
import NIOCore
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Server-sent events (WHATWG HTML §9.2): one event `order`, holding the order, for each durable change.
enum EventStream {
  /// How often a comment keeps the connection open through idle proxies.
  private static let keepAlive = Duration.seconds(15)

  private enum Signal: Sendable {
    case change(StoredOrder)
    case idle
  }

  /// `first`: the state to begin with. Ends when `changes` do, or when the client hangs up.
  static func response(first: StoredOrder?, changes: AsyncStream<StoredOrder>, request: Request) -> Response {
    Response(
      status: .ok,
      headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: ResponseBody { writer in
        let (signals, send) = AsyncStream.makeStream(
          of: Signal.self, bufferingPolicy: .bufferingNewest(OrderFeed.buffer))
        if let first { send.yield(.change(first)) }
        var output = writer
        try await request.body.consumeWithInboundCloseHandler { _ in
          try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
              // A change that `first` covers, or that was overtaken by a later one, would turn time back.
              var known = first?.clock
              for await order in changes {
                if let latest = known {
                  if order.clock.isCovered(by: latest) { continue }
                  known = order.clock
                }
                send.yield(.change(order))
              }
              send.finish()
            }
            group.addTask {
              while true {
                try await Task.sleep(for: keepAlive)
                send.yield(.idle)
              }
            }
            for await signal in signals { try await output.write(try buffer(signal)) }
            group.cancelAll()
          }
        } onInboundClosed: {
          send.finish()
        }
        try await output.finish(nil)
      })
  }

  private static func buffer(_ signal: Signal) throws -> ByteBuffer {
    switch signal {
    case .idle: return ByteBuffer(string: ": still here\n\n")
    case .change(let order):
      let json = String(decoding: try JSONBody.encode(OrderView(order)), as: UTF8.self)
      return ByteBuffer(string: "event: order\ndata: \(json)\n\n")
    }
  }
}
