import HTTPTypes
import Hummingbird
import OrderWire

extension RESTAPI {
  static let batchTypes = ["application/x-ndjson", "application/ndjson", "application/jsonl"]
  /// Lines of one batch whose answers are not written yet, at most. How many of them are being checked, the
  /// `SeatPlan` says.
  static let batchConcurrency = 128

  /// `POST /v1/orders:batch`: an order in each line, and what became of it in each line of the answer, which
  /// begins before the request has ended. The status is 200 whatever becomes of the lines: it is sent first.
  /// Too many batches at a time are refused before.
  func batch(_ request: Request, _ context: RESTContext) async throws -> Response {
    try Self.requireType(Self.batchTypes, of: request)
    let key = request.headers[Self.idempotencyKey]
    // A line's number is added to it.
    if let key { try Intake.check(key, limit: Intake.keyLength.upperBound - 8) }
    let run = BatchRun(
      intake: intake, batch: try intake.pool.open(),
      concurrency: min(Self.batchConcurrency, intake.pool.share), key: key,
      client: proxies.client(request, context))
    return Response(
      status: .ok, headers: [.contentType: Self.batchTypes[0], .cacheControl: "no-store"],
      body: ResponseBody { writer in
        try await run.run(request.body, to: &writer)
        try await writer.finish(nil)
      })
  }
}
