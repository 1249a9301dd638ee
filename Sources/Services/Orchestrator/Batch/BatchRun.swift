import Hummingbird
import NIOCore
import OrderWire
import ServiceLifecycle
import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Carries out one batch: reads lines, submits each as an order of its own, and hands out what became of them
/// as it is known. A line is taken when it has a seat among the orders in flight, which batches share fairly,
/// and no more than `concurrency` have answers that are not written; what is not read yet waits at the
/// client.
struct BatchRun: Sendable {
  /// Between two pieces of the request.
  static let silence = Duration.seconds(30)
  /// How long a line is tried again while the orchestrator takes no orders at all.
  static let patience = Duration.seconds(10)

  let intake: Intake
  let batch: CheckoutPool.Batch
  /// Lines on their way at a time.
  let concurrency: Int
  var limits = LineReader.Limits()
  /// The request's own key; a line without one gets this and its number.
  let key: String?
  /// The network address that the batch came from; nil = not known.
  let client: String?

  /// Answers that wait to be written, and who wakes the writer.
  private final class Desk: Sendable {
    private let answers = Mutex<[BatchLine]>([])
    let wakeUps: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init() { (wakeUps, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func put(_ answer: BatchLine) {
      answers.withLock { $0.append(answer) }
      wake.yield()
    }

    func finish() { wake.finish() }

    func take() -> [BatchLine] {
      answers.withLock { answers in
        defer { answers = [] }
        return answers
      }
    }
  }

  /// Reads `body` to its end and writes the answer to `writer`.
  @concurrent
  func run(_ body: RequestBody, to writer: inout any ResponseBodyWriter) async throws {
    let desk = Desk()
    // A place is taken for each line and given back when its answer is written.
    let (places, giveBack) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingOldest(concurrency))
    for _ in 0..<concurrency { giveBack.yield() }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        let isComplete = await withDiscardingTaskGroup { lines in
          await read(body, places, desk, in: &lines)
        }
        desk.finish()
        return isComplete
      }
      var summary = BatchSummary.Counts()
      for await _ in desk.wakeUps { try await write(desk.take(), &summary, giveBack, to: &writer) }
      try await write(desk.take(), &summary, giveBack, to: &writer)
      summary.complete = try await group.next() ?? false
      try await writer.write(ByteBuffer(bytes: try JSONBody.encode(BatchSummary(summary: summary)) + [0x0A]))
    }
  }

  @concurrent
  private func write(
    _ answers: [BatchLine], _ summary: inout BatchSummary.Counts, _ giveBack: AsyncStream<Void>.Continuation,
    to writer: inout any ResponseBodyWriter
  ) async throws {
    guard !answers.isEmpty else { return }
    var buffer = ByteBuffer()
    for answer in answers {
      summary.add(answer)
      buffer.writeBytes(try JSONBody.encode(answer))
      buffer.writeInteger(UInt8(ascii: "\n"))
    }
    try await writer.write(buffer)
    for _ in answers { giveBack.yield() }
  }

  /// Whether all of it was read.
  @concurrent
  private func read(
    _ body: RequestBody, _ places: AsyncStream<Void>, _ desk: Desk, in group: inout DiscardingTaskGroup
  ) async -> Bool {
    var reader = LineReader(limits: limits)
    var place = places.makeAsyncIterator()
    var pieces = Watched(body.makeAsyncIterator())
    var number = 0
    do {
      while let bytes = try await pieces.next(within: Self.silence) {
        for piece in reader.take(bytes.readableBytesView, count: bytes.readableBytes) {
          number += 1
          guard try await start(piece, number, &place, desk, in: &group) else { return false }
        }
        if let failure = reader.failure { throw failure }
      }
      if let piece = reader.finish() {
        number += 1
        return try await start(piece, number, &place, desk, in: &group)
      }
      if let failure = reader.failure { throw failure }
      return true
    } catch {
      // The lines before are answered all the same; this one tells why no more were read.
      desk.put(BatchLine(number + 1, Self.serviceError(error)))
      return false
    }
  }

  /// False when nobody waits for the answers any more.
  @concurrent
  private func start(
    _ piece: LineReader.Piece, _ number: Int, _ place: inout AsyncStream<Void>.Iterator, _ desk: Desk,
    in group: inout DiscardingTaskGroup
  ) async throws -> Bool {
    if case .line(let text) = piece, text.allSatisfy({ [0x20, 0x09].contains($0) }) { return true }
    guard await place.next() != nil, !Task.isCancelled else { return false }
    switch piece {
    case .tooLong:
      desk.put(
        BatchLine(
          number, ServiceError(.bodyTooLarge, "the line is too long; at most \(limits.line) bytes are taken"))
      )
    case .line(let text):
      try await batch.seat()
      group.addTask {
        let answer = await answer(text, number)
        // Not when the answer is written: a client that is slow to take it keeps no other's orders waiting.
        batch.rise()
        desk.put(answer)
      }
    }
    return true
  }

  /// One line, which has a seat: the same as an order by itself, but that it waits while none are taken.
  private func answer(_ text: Data, _ number: Int) async -> BatchLine {
    let clock = ContinuousClock()
    let deadline = clock.now + Self.patience
    do {
      let key = try BatchKey.of(text) ?? self.key.map { "\($0)/\(number)" }
      while true {
        do {
          return BatchLine(
            number, try await intake.submit(text, idempotencyKey: key, client: client, isSeated: true))
        } catch let error as ServiceError where error.code == .overloaded && clock.now < deadline {
          // Refused before anything was stored.
          try await Task.sleep(for: .milliseconds(Int64.random(in: 20...100)))
        }
      }
    } catch {
      return BatchLine(number, Self.serviceError(error))
    }
  }

  private static func serviceError(_ error: any Error) -> ServiceError {
    switch error {
    case let error as ServiceError: error
    case is CancellationError:
      ServiceError(.stopping, "the orchestrator is stopping; send the rest again", retryAfter: .seconds(2))
    default: ServiceError(.malformedBody, "the request broke off or cannot be read; send the rest again")
    }
  }
}

/// The pieces of a request's body, each of which must come in time.
private struct Watched {
  /// `RequestBody` has one reader, and this one has one caller: the iterator is never used by two at once.
  private final class Holder: @unchecked Sendable {
    var iterator: RequestBody.AsyncIterator
    init(_ iterator: RequestBody.AsyncIterator) { self.iterator = iterator }
  }

  private let holder: Holder

  init(_ iterator: RequestBody.AsyncIterator) { holder = Holder(iterator) }

  /// Throws `request_timeout` when nothing comes within `limit`, `CancellationError` when the daemon stops.
  mutating func next(within limit: Duration) async throws -> ByteBuffer? {
    let holder = holder
    return try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
      defer { group.cancelAll() }
      group.addTask { try await cancelWhenGracefulShutdown { try await holder.iterator.next() } }
      group.addTask {
        try await Task.sleep(for: limit)
        throw ServiceError(
          .requestTimeout, "no more of the batch came for \(limit); send the rest in another one")
      }
      guard let piece = try await group.next() else { return nil }
      // A reading that was cut off by the stop ends like the body itself.
      if piece == nil, Task.isShuttingDownGracefully || Task.isCancelled { throw CancellationError() }
      return piece
    }
  }
}

/// The idempotency key that a line of a batch names: its member `idempotencyKey`.
enum BatchKey {
  private struct Line: Decodable { let idempotencyKey: String? }

  private static let name = Data("idempotencyKey".utf8)

  /// Nil when there is none, or when the line is not an object: what is wrong with it is for the intake to
  /// say.
  ///
  /// Throws `invalid_argument` for a key of another type.
  static func of(_ line: Data) throws -> String? {
    // Most lines have none, and are not read twice for it.
    guard line.firstRange(of: name) != nil else { return nil }
    do {
      return try JSONDecoder().decode(Line.self, from: line).idempotencyKey
    } catch DecodingError.typeMismatch(_, let context) where !context.codingPath.isEmpty {
      throw ServiceError(
        .invalidArgument, "/idempotencyKey must be text",
        details: ["field": "/idempotencyKey", "problem": "must be text"])
    } catch is DecodingError {
      return nil
    }
  }
}
