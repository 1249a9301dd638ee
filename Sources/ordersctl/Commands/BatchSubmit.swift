import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// `ordersctl submit --batch`: each line of a file is an order.
enum BatchSubmit {
  /// Exit status: 0 all were accepted, 3 some were rejected, 5 some are not decided yet; when some were not
  /// taken at all, the status of the first.
  static func run(
    _ path: String, key: String, timeout: Duration, _ server: ServerOptions, _ format: OutputFormat
  ) async throws {
    let lines = try FileBytes(path: path)
    defer { lines.close() }
    var rows: [BatchLineModel] = []
    var documents: [JSONValue] = []
    var summary: BatchLineModel.Summary?
    var problem: ErrorCode?
    do {
      try await OrdersClient.with(server) { client in
        try await client.submitBatch(lines, key: key, timeout: timeout) { line, model in
          if let last = model.summary { summary = last }
          problem = problem ?? model.problem?.code.map(ErrorCode.init(rawValue:))
          // As it comes: who asks for JSON is a program, perhaps the next one in a pipe.
          if format == .json { return try output(String(decoding: line, as: UTF8.self)) }
          guard model.summary == nil else { return }
          rows.append(model)
          if format == .yaml { documents.append(try JSONDecoder().decode(JSONValue.self, from: line)) }
        }
      }
      guard summary?.complete == true else {
        throw Failure(Exit.unavailable, "the batch was not answered to its end")
      }
    } catch let failure as Failure where failure.exit != Exit.usage {
      try show(rows, documents, format)
      throw Failure(
        failure.exit, failure.message + "\nto go on without ordering twice: --idempotency-key \(key)")
    }
    try show(rows, documents, format)
    guard let summary else { return }
    tell(
      "\(summary.lines) lines: \(summary.accepted) accepted, \(summary.rejected) rejected, "
        + "\(summary.held) held, \(summary.failed) not taken, \(summary.replayed) submitted before")
    if summary.failed > 0 {
      throw Failure(problem?.disposition.exit ?? Exit.failed, "lines that were not taken: \(summary.failed)")
    }
    if summary.rejected > 0 { throw Failure(Exit.rejected, "orders that were rejected: \(summary.rejected)") }
    if summary.held > 0 {
      throw Failure(Exit.unavailable, "orders that are not decided yet: \(summary.held)")
    }
  }

  private static func show(_ rows: [BatchLineModel], _ documents: [JSONValue], _ format: OutputFormat) throws
  {
    guard format != .json else { return }
    let sorted = rows.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
    try Printer(format: format).list(
      sorted.filter { format != .name || $0.orderId != nil }, json: .list(documents))
  }
}

extension BatchLineModel: ListRow {
  static let header = [
    Column("LINE", right: true), Column("STATUS", right: true), Column("ORDER"), Column("STATE"),
    Column("CODE"),
    Column("REASON"),
  ]

  var row: [String] {
    [
      line.map(String.init) ?? "", status.map(String.init) ?? "", orderId ?? "", state ?? "",
      rejection?.code ?? problem?.code ?? "", problem?.detail ?? "",
    ]
  }

  var name: String { "order/\(orderId ?? "")" }
}
