import CoreTime
import DaemonKit
import FraudDetection
import OrderDomain
import OrderProtos
import OrderWire
import Suggestions
import SwiftProtobuf
import Testing
import TransactionVerification
import VectorClock

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An order of `examples/`.
func example(_ name: String, _ change: (inout OrderRequest) -> Void = { _ in }) throws -> OrderRequest {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("examples")
  var order = try OrderDocument.decode(Data(contentsOf: folder.appendingPathComponent(name)))
  change(&order)
  return order
}

func newOrderID() -> OrderID {
  var random = SystemRandomNumberGenerator()
  return OrderID(at: testTime, using: &random)
}

/// A request as the orchestrator sends it, with its clock at `{orchestrator:3}`.
func checkRequest(
  _ events: [String], _ order: OrderRequest, id: OrderID = newOrderID(), clock: VectorClock? = nil,
  amount: Int64? = 2_598
) -> Ordersd_V1_CheckRequest {
  .with {
    $0.orderID = id.description
    $0.clock = (clock ?? VectorClock(["orchestrator": 3])).message
    $0.events = events
    $0.order = order.message
    if let amount {
      $0.amount = .with {
        $0.minorUnits = amount
        $0.currency = "EUR"
      }
    }
  }
}

func settleRequest(_ id: OrderID, _ clock: VectorClock) -> Ordersd_V1_SettleRequest {
  .with {
    $0.orderID = id.description
    $0.finalClock = clock.message
  }
}

func settings(_ flags: [String: String] = [:]) -> SettingsReader {
  SettingsReader(layers: [.flags(flags)])
}

func transactionVerification(_ flags: [String: String] = [:]) -> Build {
  { context in
    let reader = settings(["transaction-verification.port": "0"].merging(flags) { $1 })
    let configuration = TransactionVerificationConfiguration(reader: reader)
    try reader.validate()
    return try await buildTransactionVerification(configuration: configuration, context: context)
  }
}

func fraudDetection(_ flags: [String: String] = [:]) -> Build {
  { context in
    let reader = settings(["fraud-detection.port": "0"].merging(flags) { $1 })
    let configuration = FraudDetectionConfiguration(reader: reader)
    try reader.validate()
    return try await buildFraudDetection(configuration: configuration, context: context)
  }
}

func suggestions(_ flags: [String: String] = [:]) -> Build {
  { context in
    // Without a queue, and with nothing learned before.
    let alone = [
      "suggestions.port": "0", "order-queue.endpoint": "127.0.0.1:9", "state": "/nonexistent/ordersd-test",
    ]
    let reader = settings(alone.merging(flags) { $1 })
    let configuration = SuggestionsConfiguration(reader: reader)
    try reader.validate()
    return try await buildSuggestions(configuration: configuration, context: context)
  }
}

/// A folder of its own for the time of `body`.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("ordersd-test-\(newOrderID())")
    .path
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  let result: Result
  do {
    result = try await body(path)
  } catch {
    try FileManager.default.removeItem(atPath: path)
    throw error
  }
  try FileManager.default.removeItem(atPath: path)
  return result
}

/// fraud-detection with a state folder of its own.
func withFraudDetection<Result: Sendable>(
  _ flags: [String: String] = [:], _ body: @Sendable (RunningRole) async throws -> Result
) async throws -> Result {
  try await withFolder { folder in
    try await withRole("fraud-detection", fraudDetection(["state": folder].merging(flags) { $1 }), body)
  }
}

/// Writes `text` to a file of its own for the time of `body`.
func withFile<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
  try await withFolder { folder in
    let path = "\(folder)/file"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try await body(path)
  }
}
