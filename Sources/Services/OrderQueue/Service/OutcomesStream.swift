import GRPCCore
import OrderProtos
import OrderWire
import SwiftProtobuf

extension OrderQueueProvider {
  /// How long the next outcome of a reader that has all of them waits for others: those of one order follow each other
  /// at once, and a message costs its reader and this process the same for one as for twenty.
  private static let gathering: Duration = .milliseconds(10)

  /// A reader that keeps up gets what was just committed; one that does not, its next page from the disk.
  func outcomes(
    request: Ordersd_V1_OutcomesRequest, response: RPCWriter<Ordersd_V1_OutcomeBatch>, context: ServerContext
  ) async throws {
    try await follow(request.after, response)
  }

  private func follow(_ after: UInt64, _ response: RPCWriter<Ordersd_V1_OutcomeBatch>) async throws {
    let grew = Wakeup()
    let stream = try engine.subscriptions.open(watcher: grew) { grew.finish() }
    defer { engine.subscriptions.close(stream) }
    var cursor = after
    let kept = try await engine.store.outcomeRange()
    let last = kept.latest
    guard cursor <= last else {
      throw ServiceError(
        .conflict,
        "after: \(cursor) was never given out (the latest is \(last)): another queue's cursor; start at 0",
        details: ["last": String(last)])
    }
    // From the beginning means from what is kept.
    if cursor == 0 { cursor = kept.oldest - 1 }
    if cursor + 1 < kept.oldest { throw await engine.missed(cursor, oldest: kept.oldest) }
    try await withRPCCancellationHandler {
      while !grew.isFinished, !Task.isCancelled {
        let page = try await engine.outcomes(after: cursor)
        if let first = page.first, let latest = page.last {
          // Sequences have no gaps, so the reader was overtaken by the retention.
          if first.sequence > cursor + 1 { throw await engine.missed(cursor, oldest: first.sequence) }
          for message in page.map(\.message).messages(size: \.roughSize) {
            try await response.write(.with { $0.outcomes = Array(message) })
          }
          cursor = latest.sequence
        } else {
          await grew.wait()
          try await Task.sleep(for: Self.gathering)
        }
      }
    } onCancelRPC: {
      grew.finish()
    }
  }
}
