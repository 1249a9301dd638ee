package import DaemonKit
import OrderWire
package import PriorityQueue

/// The settings of the role `order-queue`.
package struct OrderQueueConfiguration: Sendable {
  package static let role = "order-queue"

  /// gRPC.
  package var server: NetworkEndpoint
  /// HTTP, for operators.
  package var admin: NetworkEndpoint
  /// The folder of `queue.db`.
  package var stateFolder: String
  /// How long a lease lasts when the call names no length.
  package var lease: Duration
  package var machine: QueueConfiguration
  /// How long finished orders and outcomes are kept.
  package var retention: Duration
  /// Most finished orders that are kept.
  package var retentionCount: Int

  /// The longest lease that a call may ask for.
  package static let maximumLease: Duration = .seconds(3_600)

  /// Declares the settings; `reader.validate()` tells what is wrong with them.
  package init(reader: SettingsReader, environment: [String: String] = [:]) {
    let role = Self.role
    let host = reader.string("bind", default: "127.0.0.1", "Address that every role listens on.")
    server = NetworkEndpoint(
      host: host, port: reader.port("\(role).port", default: 50_055, "gRPC port of the order queue."))
    admin = NetworkEndpoint(
      host: host,
      port: reader.port("\(role).admin-port", default: 51_055, "Admin HTTP port of the order queue."))
    stateFolder = StateFolder.path(reader: reader, role: role, environment: environment)
    lease = reader.duration(
      "\(role).lease", default: .seconds(30), in: .milliseconds(100)...Self.maximumLease,
      "How long an executor has for an order before it is given to another.")
    let leadershipLease = reader.duration(
      "\(role).leadership-lease", default: .seconds(1), in: .milliseconds(200)...(.seconds(60)),
      "How long leadership lasts without a renewal; above 4s, elected executors give up before they get it.")
    let deliveryLimit = reader.integer(
      "\(role).delivery-limit", default: 5, in: 1...1_000,
      "How often an order is tried before it becomes a dead letter.")
    let initial = reader.duration(
      "\(role).backoff-initial", default: .seconds(1), in: .zero...(.seconds(3_600)),
      "Delay after the first failed attempt; it doubles with each further one.")
    let maximum = reader.duration(
      "\(role).backoff-max", default: .seconds(60), in: .zero...(.seconds(86_400)),
      "Longest delay between two attempts.")
    if maximum < initial {
      reader.report("\(role).backoff-max", "must not be shorter than \(role).backoff-initial")
    }
    let capacity = reader.integer(
      "\(role).capacity", default: 1_000_000, in: 1...100_000_000,
      "Most orders that are in the queue at a time; beyond it enqueueing is refused.")
    let maxWait = reader.duration(
      "\(role).max-wait", default: .zero, in: .zero...(.seconds(86_400)),
      "Ageing: an order that stays ready rises one priority for each such time; 0 = never.")
    let starvation = reader.duration(
      "\(role).starvation-after", default: .seconds(60), in: .milliseconds(1)...(.seconds(86_400)),
      "An order that was ready for so long before it was leased is counted as starved.")
    retention = reader.duration(
      "\(role).retention", default: .seconds(7 * 86_400), in: .seconds(60)...(.seconds(3_650 * 86_400)),
      "How long finished orders and outcomes are kept; a repeat of an older order is a new one.")
    retentionCount = reader.integer(
      "\(role).retention-count", default: 1_000_000, in: 1_000...1_000_000_000,
      "Most finished orders that are kept, whatever their age.")
    machine = QueueConfiguration(
      capacity: capacity, deliveryLimit: deliveryLimit, maxLease: Self.maximumLease,
      backoff: Backoff(base: initial, maximum: maximum), maxDelay: QueueLimit.nackDelay,
      maxWait: maxWait > .zero ? maxWait : nil, starvationAfter: starvation, leadershipLease: leadershipLease,
      maxReasonLength: QueueLimit.reason)
  }

  package var file: String { "\(stateFolder)/queue.db" }
}

/// Limits of what a caller may send.
package enum QueueLimit {
  /// Bytes of an order's body.
  package static let body = 65_536
  /// Bytes of a reason or a note.
  package static let reason = 1_024
  /// Bytes of a lane's name, of a-z, 0-9 and hyphens.
  package static let lane = 32
  /// Processes in the clock of an order that comes in: half of what any clock may have (`WireLimit`), so that
  /// those that carry it out have room for theirs.
  package static let enteringClockComponents = WireLimit.clockComponents / 2
  /// The greatest counter in a clock that comes in, for the same reason.
  package static let clockCount = WireLimit.clockCount / 2
  /// The longest delay that a nack may ask for.
  package static let nackDelay = Duration.seconds(86_400)
  /// Orders that a work stream may have been promised and not yet been sent.
  package static let credits = 1_024
  /// Orders that an executor may say it still has.
  package static let held = 4_096
  /// Calls in one message of a stream.
  package static let callsPerFrame = 256
  /// Orders in one lease.
  package static let leaseBatch = 256
  /// Orders on one page of `List`.
  package static let listPage = 1_000
  /// Outcomes in one batch.
  package static let outcomePage = 256
  /// Dead letters in one kick.
  package static let kick = 1_000
  /// Streams of all kinds that are open at a time.
  package static let streams = 512
}
