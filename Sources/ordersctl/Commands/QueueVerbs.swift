import ArgumentParser
import CoreTime
import DaemonKit
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import GRPCSupport
import NIOPosix
import OrderProtos
import OrderWire
import SwiftProtobuf

// What an operator does to the queue and to single orders in it.

extension QueueOptions {
  typealias Client = Ordersd_V1_OrderQueue.Client<HTTP2ClientTransport.Posix>

  /// How long an operator waits: a change is answered when it is on disk, and the disk may be busy.
  private static let deadline: Duration = .seconds(10)

  /// One connection for one call. Throws `ServiceError`.
  func call<Reply: Sendable>(
    _ body: @Sendable (Client, CallOptions) async throws -> Reply
  ) async throws -> Reply {
    let endpoint = try self.endpoint()
    let peer = try Peer(service: "order-queue", endpoint: endpoint, eventLoopGroup: .singleton)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await peer.run() }
      defer { group.cancelAll() }
      do {
        return try await peer.call(deadline: Self.deadline) { client, options in
          try await body(Client(wrapping: client), options)
        }
      } catch let error as ServiceError where error.code == .serviceUnavailable {
        throw ServiceError(.serviceUnavailable, "does not answer at \(endpoint)", service: "order-queue")
      }
    }
  }
}

struct QueueListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "The orders in the queue, finished ones that are kept included.")

  @Option(help: "Only those in this state: ready, leased, delayed, buried, done, cancelled or expired.")
  var state: JobStateArgument?
  @Option(help: "Most orders, 1 to 1000.")
  var limit: UInt32 = 100
  @Option(help: "Begin after this order.")
  var after: OrderIDArgument?
  @OptionGroup var queue: QueueOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      let (state, limit, after) = (state?.message ?? .unspecified, limit, after?.text ?? "")
      let reply = try await queue.call { client, options in
        try await client.list(
          .with {
            $0.state = state
            $0.limit = limit
            $0.after = after
          }, options: options)
      }
      let next: JSONValue = reply.next.isEmpty ? .null : .text(reply.next)
      try Printer(format: output.format).list(
        reply.jobs.map(JobRow.init), json: .object(["orders": .list(reply.jobs.map(\.json)), "next": next]),
        notes: reply.next.isEmpty ? [] : ["", "More: --after \(reply.next)"])
    }
  }
}

struct QueuePeekCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peek", abstract: "One order as the queue has it, with its body while it is not finished.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @OptionGroup var queue: QueueOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      let id = id.text
      let reply = try await queue.call { client, options in
        try await client.peek(.with { $0.orderID = id }, options: options)
      }
      let job = reply.job
      let body = String(decoding: reply.body, as: UTF8.self)
      let json = job.json.adding("body", body.isEmpty ? .null : .text(body))
      let clock = job.clock.components.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
      try Printer(format: output.format).object(
        zip(JobRow.header, JobRow(job).row).map { (label: $0.title.lowercased(), value: $1) }
          + [(label: "clock", value: clock.joined(separator: " ")), (label: "body", value: body)],
        name: "order/\(job.orderID)", json: json)
    }
  }
}

struct QueuePauseCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Hand out no orders; what is being carried out may end.")

  @Option(name: .customLong("for"), help: "End by itself after this time, such as 10m; without: by 'resume'.")
  var duration: DurationArgument?
  @Option(help: "For the queue's journal.")
  var reason = ""
  @OptionGroup var queue: QueueOptions

  func run() async throws {
    try await reportingFailures {
      let milliseconds = duration?.duration.millisecondsClamped ?? 0
      guard duration == nil || (1...Int64(UInt32.max)).contains(milliseconds) else {
        throw Failure(Exit.usage, "--for must be from 1ms to 49d")
      }
      let reason = reason
      _ = try await queue.call { client, options in
        try await client.pause(
          .with {
            $0.forMs = UInt32(milliseconds)
            $0.reason = reason
          }, options: options)
      }
      tell("the queue is paused")
    }
  }
}

struct QueueResumeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "resume", abstract: "End a pause.")

  @OptionGroup var queue: QueueOptions

  func run() async throws {
    try await reportingFailures {
      let isDraining = try await queue.call { client, options in
        _ = try await client.resume(Ordersd_V1_ResumeRequest(), options: options)
        return try await client.stats(Ordersd_V1_StatsRequest(), options: options).draining
      }
      tell("the queue hands out orders")
      if isDraining { tell("it still takes no new ones: 'ordersctl queue drain --off' ends the drain") }
    }
  }
}

struct QueueDrainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain", abstract: "Take no new orders, so that the queue runs empty.")

  @Flag(help: "End the drain.")
  var off = false
  @OptionGroup var queue: QueueOptions

  func run() async throws {
    try await reportingFailures {
      let isOn = !off
      let reply = try await queue.call { client, options in
        try await client.drain(.with { $0.on = isOn }, options: options)
      }
      tell(isOn ? "the queue takes no new orders; \(reply.remaining) remain" : "the queue takes orders")
    }
  }
}

struct QueueKickCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kick", abstract: "Put dead letters back into the line; prints their ids.")

  @Argument(help: "One order; or --all.")
  var id: OrderIDArgument?
  @Flag(help: "All dead letters, oldest first, up to --max.")
  var all = false
  @Option(help: "Most dead letters, 1 to 1000.")
  var max: UInt32 = 1_000
  @OptionGroup var queue: QueueOptions

  func validate() throws {
    if (id == nil) != all { throw ValidationError("name an order, or say --all") }
  }

  func run() async throws {
    try await reportingFailures {
      let (id, max) = (id?.text ?? "", max)
      let reply = try await queue.call { client, options in
        try await client.kick(
          .with {
            $0.orderID = id
            $0.max = max
          }, options: options)
      }
      if !reply.orderIds.isEmpty { try output(reply.orderIds.joined(separator: "\n")) }
      tell("\(reply.orderIds.count) back in the line")
    }
  }
}

struct QueueBuryCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bury", abstract: "Make an order that waits or is leased a dead letter.",
    discussion: "Whoever carries it out is not stopped; what it reports afterwards is refused.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @Option(help: "Why; kept with the order.")
  var reason = "by an operator"
  @OptionGroup var queue: QueueOptions

  func run() async throws {
    try await reportingFailures {
      let (id, reason) = (id.text, reason)
      _ = try await queue.call { client, options in
        try await client.bury(
          .with {
            $0.orderID = id
            $0.reason = reason
          }, options: options)
      }
      tell("\(id) is a dead letter")
    }
  }
}

struct QueueCancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Withdraw an order that nobody is carrying out.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @Option(help: "Why; kept with the order.")
  var reason = "by an operator"
  @OptionGroup var queue: QueueOptions

  func run() async throws {
    try await reportingFailures {
      let (id, reason) = (id.text, reason)
      let reply = try await queue.call { client, options in
        try await client.cancel(
          .with {
            $0.orderID = id
            $0.reason = reason
          }, options: options)
      }
      guard reply.cancelled else {
        let holder = reply.holder.isEmpty ? "" : " to \(reply.holder)"
        throw ServiceError(
          .conflict, "too late: the order is \(reply.state.text)\(holder)", service: "order-queue")
      }
      tell("\(id) is cancelled")
    }
  }
}
