import Hummingbird
import Logging
import NIOCore
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RESTAPI {
  /// `GET /v1/events`: changes of all orders, or of the one that the parameter `order` names.
  func follow(_ request: Request, _ context: RESTContext) async throws -> Response {
    let query = try Self.query(request, known: ["order"])
    let id = try query["order"].map { text in
      guard let id = OrderID(text) else { throw Self.parameter("order", "must be an order's id") }
      return id
    }
    let known = try request.headers[Self.lastEventID].map { text in
      guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text) else {
        let problem = "must be the id of an event of this stream, which is a number"
        throw ServiceError(
          .invalidArgument, "the header Last-Event-ID \(problem)",
          details: ["field": "Last-Event-ID", "problem": problem])
      }
      return number
    }
    if let id { _ = try await repository.order(id) }
    // Followed before the store is asked, so that no change falls between the two.
    let wakeUps = try repository.feed.follow(id)
    let latest = try await repository.lastChange()
    let stream = EventStream(
      repository: repository, order: id, start: .init(known: known, latest: latest, isOfOneOrder: id != nil),
      wakeUps: wakeUps, logger: context.logger)
    return stream.response(to: request)
  }
}

/// Server-sent events (WHATWG HTML §9.2): one event `order` for each change of an order, with the change's number
/// as its id, in the order of the changes. Changes that follow each other faster than they are read become one:
/// what is sent is always the order as it is (ADR 0014).
struct EventStream: Sendable {
  /// How often a comment keeps the connection open through idle proxies.
  private static let heartbeat = Duration.seconds(15)
  /// Most changes that are made up for; whoever was away for longer is told of the gap.
  static let maximumBacklog: UInt64 = 10_000
  private static let page = 256
  /// Between two readings, when all orders are followed: many changes are cheaper than many readings.
  private static let pace = Duration.milliseconds(25)

  /// Where a stream begins.
  struct Start: Sendable, Hashable {
    /// The last change that the client knows, or is not told of.
    let after: UInt64
    /// The client's own mark, when changes behind it cannot be made up for.
    let gapAfter: UInt64?

    /// `known`: the client's `Last-Event-ID`; `latest`: the last change there is.
    init(known: UInt64?, latest: UInt64, isOfOneOrder: Bool) {
      guard let known else {
        // One order begins with what it is; of all of them only the news is told.
        (after, gapAfter) = (isOfOneOrder ? 0 : latest, nil)
        return
      }
      if known > latest {
        // A mark of another database: a restored one is behind its clients.
        (after, gapAfter) = (isOfOneOrder ? 0 : latest, known)
      } else if !isOfOneOrder, latest - known > EventStream.maximumBacklog {
        (after, gapAfter) = (latest - EventStream.maximumBacklog, known)
      } else {
        (after, gapAfter) = (known, nil)
      }
    }
  }

  private enum Signal: Sendable { case changed, idle }

  let repository: OrderRepository
  let order: OrderID?
  let start: Start
  let wakeUps: AsyncStream<Void>
  let logger: Logger

  /// Ends when the daemon stops, or when the client hangs up.
  func response(to request: Request) -> Response {
    Response(
      status: .ok,
      headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: ResponseBody { writer in
        let (signals, send) = AsyncStream.makeStream(of: Signal.self, bufferingPolicy: .bufferingNewest(1))
        send.yield(.changed)
        var output = writer
        try await request.body.consumeWithInboundCloseHandler { _ in
          try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
              for await _ in wakeUps { send.yield(.changed) }
              send.finish()
            }
            group.addTask {
              while true {
                try await Task.sleep(for: Self.heartbeat)
                send.yield(.idle)
              }
            }
            try await output.write(preface)
            try await write(to: &output, signals)
            group.cancelAll()
          }
        } onInboundClosed: {
          send.finish()
        }
        try await output.finish(nil)
      })
  }

  /// A mark to resume from even if nothing comes, and what was missed.
  private var preface: ByteBuffer {
    var text = ": orders\nretry: 1000\nid: \(start.after)\n\n"
    if let gap = start.gapAfter {
      text += "event: gap\ndata: {\"after\":\(gap),\"resumedAfter\":\(start.after)}\n\n"
    }
    return ByteBuffer(string: text)
  }

  @concurrent
  private func write(to output: inout any ResponseBodyWriter, _ signals: AsyncStream<Signal>) async throws {
    var last = start.after
    for await signal in signals {
      var hasWritten = false
      while true {
        let changes: [OrderChange]
        do {
          changes = try await repository.changes(after: last, of: order, limit: Self.page)
        } catch let error as ServiceError {
          // The client comes back with the last id, and is told then what is wrong.
          logger.debug("A stream of events ends: the store cannot be read.", metadata: ["reason": "\(error)"])
          return
        }
        for change in changes {
          try await output.write(try Self.buffer(change))
          last = change.number
        }
        hasWritten = hasWritten || !changes.isEmpty
        if changes.count < Self.page { break }
      }
      if signal == .idle, !hasWritten { try await output.write(ByteBuffer(string: ": still here\n\n")) }
      if order == nil { try await Task.sleep(for: Self.pace) }
    }
  }

  private static func buffer(_ change: OrderChange) throws -> ByteBuffer {
    let json = String(decoding: try JSONBody.encode(OrderView(change.order)), as: UTF8.self)
    return ByteBuffer(string: "event: order\ndata: \(json)\nid: \(change.number)\n\n")
  }
}
