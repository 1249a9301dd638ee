import ArgumentParser
import CoreTime
import OrderProtos
import OrderWire

/// A state as it is typed.
struct JobStateArgument: ExpressibleByArgument {
  let message: Ordersd_V1_JobState

  init?(argument: String) {
    guard let state = Ordersd_V1_JobState.allCases.first(where: { $0.text == argument }) else { return nil }
    message = state
  }
}

extension Ordersd_V1_JobState {
  var text: String {
    switch self {
    case .ready: "ready"
    case .leased: "leased"
    case .delayed: "delayed"
    case .buried: "buried"
    case .done: "done"
    case .cancelled: "cancelled"
    case .expired: "expired"
    case .unspecified, .UNRECOGNIZED: ""
    }
  }
}

struct JobRow: ListRow {
  static let header = [
    Column("ORDER"), Column("STATE"), Column("PRIORITY", right: true), Column("ATTEMPTS", right: true),
    Column("HOLDER"), Column("ENQUEUED"), Column("DUE", wide: true), Column("LANE", wide: true),
    Column("EPOCH", right: true, wide: true), Column("REASON"),
  ]

  let job: Ordersd_V1_Job

  init(_ job: Ordersd_V1_Job) { self.job = job }

  var row: [String] {
    [
      job.orderID, job.state.text, "\(job.priority)", "\(job.attempts)", job.holder,
      Timestamp(milliseconds: job.enqueuedAtMs).rfc3339, Timestamp(milliseconds: job.dueAtMs).rfc3339,
      job.lane, "\(job.epoch)", job.reason,
    ]
  }

  var name: String { "order/\(job.orderID)" }
}

extension Ordersd_V1_Job {
  var json: JSONValue {
    .object([
      "orderId": .text(orderID), "lane": .text(lane), "priority": .init(priority), "state": .text(state.text),
      "attempts": .init(attempts),
      "enqueuedAt": .text(Timestamp(milliseconds: enqueuedAtMs).rfc3339),
      "dueAt": .text(Timestamp(milliseconds: dueAtMs).rfc3339),
      "holder": holder.isEmpty ? .null : .text(holder), "epoch": .init(epoch),
      "reason": reason.isEmpty ? .null : .text(reason),
      "clock": .object(clock.components.mapValues { .init($0) }),
    ])
  }
}

extension JSONValue {
  func adding(_ name: String, _ value: JSONValue) -> JSONValue {
    guard case .object(var members) = self else { return self }
    members[name] = value
    return .object(members)
  }
}
