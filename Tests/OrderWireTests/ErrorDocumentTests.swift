import Foundation
import GRPCCore
import OrderWire
import Testing

/// docs/ERRORS.md says what the table of codes says.
struct ErrorDocumentTests {
  /// The rows of the first table by code: gRPC, HTTP, exit, retryable.
  private static func rows() throws -> [String: [String]] {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("docs/ERRORS.md"), encoding: .utf8)
    var rows: [String: [String]] = [:]
    for line in text.split(separator: "\n") {
      let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
      // Only the table of codes has six columns.
      guard line.hasPrefix("| `"), cells.count == 6 else { continue }
      try #require(rows[cells[0]] == nil, "\(cells[0]) stands twice")
      rows[cells[0]] = Array(cells[1...4])
    }
    return rows
  }

  /// The names of the gRPC specification, which differ from grpc-swift's only in their case, but for one.
  private static func name(_ code: RPCError.Code) -> String {
    if code == .internalError { return "INTERNAL" }
    return "\(code)".reduce(into: "") { name, letter in
      if letter.isUppercase { name += "_" }
      name += letter.uppercased()
    }
  }

  @Test(arguments: ErrorCode.all) func everyCodeStandsInTheDocumentAsItIs(_ code: ErrorCode) throws {
    let meaning = code.disposition
    let expected = [
      Self.name(meaning.grpc), "\(meaning.http)", "\(meaning.exit)", meaning.isRetryable ? "yes" : "no",
    ]
    #expect(try Self.rows()[code.rawValue] == expected, "\(code.rawValue)")
  }

  @Test func theDocumentNamesNoOtherCode() throws {
    #expect(Set(try Self.rows().keys) == Set(ErrorCode.all.map(\.rawValue)))
  }
}
