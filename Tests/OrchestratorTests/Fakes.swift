import CheckoutFlow
import GRPCCore
import GRPCProtobuf
import OrderDomain
import OrderProtos
import OrderWire
import SwiftProtobuf
import Synchronization
import VectorClock

/// What a fake check does with the next requests.
enum Behaviour: Sendable {
  case pass
  case fail(event: String, Finding)
  /// Never answers.
  case hang
  case unavailable
}

/// A check service over real gRPC that does as it is told, and keeps its own clocks.
final class FakeCheck: RegistrableRPCService {
  let name: String
  private let check: MethodDescriptor
  private let settle: MethodDescriptor
  private let state: Mutex<State>

  private struct State {
    var behaviour = Behaviour.pass
    var hangsOnSettle = false
    var clocks: OrderClocks<String>
    var verdicts: [Ordersd_V1_SettleReply.Verdict] = []
    var requests: [[String]] = []
  }

  init(_ name: String, check: MethodDescriptor, settle: MethodDescriptor) {
    self.name = name
    self.check = check
    self.settle = settle
    state = Mutex(State(clocks: OrderClocks(process: name, capacity: 1_000)))
  }

  var behaviour: Behaviour {
    get { state.withLock { $0.behaviour } }
    set { state.withLock { $0.behaviour = newValue } }
  }

  func hangOnSettle() { state.withLock { $0.hangsOnSettle = true } }

  /// What it found when it was told that orders are over.
  var verdicts: [Ordersd_V1_SettleReply.Verdict] { state.withLock { $0.verdicts } }
  /// The events of each request.
  var requests: [[String]] { state.withLock { $0.requests } }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: check, deserializer: ProtobufDeserializer<Ordersd_V1_CheckRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_CheckReply>()
    ) { request, context in
      let message = try await ServerRequest(stream: request).message
      return StreamingServerResponse(single: ServerResponse(message: try await self.answer(message, context)))
    }
    router.registerHandler(
      forMethod: settle, deserializer: ProtobufDeserializer<Ordersd_V1_SettleRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_SettleReply>()
    ) { request, context in
      let message = try await ServerRequest(stream: request).message
      return StreamingServerResponse(single: ServerResponse(message: try await self.answer(message, context)))
    }
  }

  private func answer(_ request: Ordersd_V1_CheckRequest, _ context: ServerContext) async throws
    -> Ordersd_V1_CheckReply
  {
    let behaviour = state.withLock { state in
      state.requests.append(request.events)
      return state.behaviour
    }
    var failing: (event: String, finding: Finding)?
    switch behaviour {
    case .pass: break
    case .fail(let event, let finding): failing = (event, finding)
    case .hang: try await hang(context)
    case .unavailable: throw ServiceError(.serviceUnavailable, "\(name) is told to be unavailable")
    }
    let clock = try VectorClock(request.clock)
    return state.withLock { state in
      _ = state.clocks.receive(clock, for: request.orderID)
      var unsuccessful: Set<String> = []
      let results = request.events.map { event -> Ordersd_V1_EventResult in
        let isSkipped = EventTable.checkout[event]?.after.contains(where: unsuccessful.contains) == true
        let finding = event == failing?.event ? failing?.finding : nil
        if isSkipped || finding != nil { unsuccessful.insert(event) }
        let clock = state.clocks.tick(request.orderID)
        return .with {
          $0.event = event
          $0.outcome = isSkipped ? .skipped : finding == nil ? .passed : .failed
          $0.clock = clock.message
          if let finding { $0.findings = [finding.wireMessage] }
          if event == "f" {
            $0.suggestions = [
              .with {
                $0.sku = "book-emma"
                $0.title = "Jane Austen: Emma"
              }
            ]
          }
        }
      }
      return .with {
        $0.orderID = request.orderID
        $0.results = results
        $0.clock = state.clocks.tick(request.orderID).message
      }
    }
  }

  private func answer(_ request: Ordersd_V1_SettleRequest, _ context: ServerContext) async throws
    -> Ordersd_V1_SettleReply
  {
    if state.withLock({ $0.hangsOnSettle }) { try await hang(context) }
    let clock = try VectorClock(request.finalClock)
    return state.withLock { state in
      let verdict: Ordersd_V1_SettleReply.Verdict =
        switch state.clocks.settle(request.orderID, finalClock: clock) {
        case .consistent: .consistent
        case .violation: .violation
        case .unknown: .unknown
        }
      state.verdicts.append(verdict)
      return .with { $0.verdict = verdict }
    }
  }
}

/// Until the caller has given up.
private func hang(_ context: ServerContext) async throws {
  while !context.cancellation.isCancelled { try await Task.sleep(for: .milliseconds(10)) }
}

/// The order-queue as the orchestrator sees it: takes orders, and tells what a test wants told.
final class FakeQueue: RegistrableRPCService {
  private struct State {
    var taken: [Ordersd_V1_EnqueueRequest] = []
    var refused: Set<String> = []
    var holdsEnqueues = false
    var outcomes: [Ordersd_V1_Outcome] = []
    /// The cursors with which the stream was opened.
    var cursors: [UInt64] = []
    var generation = 0
  }

  private let state = Mutex(State())

  /// Orders by the time of their first arrival.
  var taken: [Ordersd_V1_EnqueueRequest] { state.withLock { $0.taken } }
  var cursors: [UInt64] { state.withLock { $0.cursors } }

  func refuse(_ order: String) { state.withLock { _ = $0.refused.insert(order) } }
  /// Takes orders, but does not answer until `release`.
  func hold() { state.withLock { $0.holdsEnqueues = true } }
  func release() { state.withLock { $0.holdsEnqueues = false } }
  /// Ends the open streams of outcomes.
  func breakStreams() { state.withLock { $0.generation += 1 } }

  /// Tells what became of `order`. Returns the clock that goes with it.
  @discardableResult
  func tell(
    _ kind: Ordersd_V1_Outcome.Kind, _ order: String, by executor: String = "executor-3", reason: String = ""
  ) -> VectorClock {
    state.withLock { state in
      var clock = VectorClock(state.taken.first { $0.orderID == order }?.clock.components ?? [:])
      for _ in 0...state.outcomes.count { clock.tick("order-queue") }
      if kind == .executed { clock.tick(executor) }
      state.outcomes.append(
        .with {
          $0.sequence = UInt64(state.outcomes.count + 1)
          $0.orderID = order
          $0.kind = kind
          $0.clock = clock.message
          $0.atMs = 1_795_348_800_000
          if kind == .executing || kind == .executed { $0.executor = executor }
          $0.epoch = 7
          $0.attempt = 1
          $0.reason = reason
        })
      return clock
    }
  }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: Ordersd_V1_OrderQueue.Method.Enqueue.descriptor,
      deserializer: ProtobufDeserializer<Ordersd_V1_EnqueueRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_EnqueueReply>()
    ) { request, _ in
      let message = try await ServerRequest(stream: request).message
      return StreamingServerResponse(single: ServerResponse(message: try await self.enqueue(message)))
    }
    router.registerHandler(
      forMethod: Ordersd_V1_OrderQueue.Method.Outcomes.descriptor,
      deserializer: ProtobufDeserializer<Ordersd_V1_OutcomesRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_OutcomeBatch>()
    ) { request, context in
      let after = try await ServerRequest(stream: request).message.after
      return StreamingServerResponse { writer in
        try await self.follow(after, writer, context)
        return [:]
      }
    }
  }

  private func enqueue(_ request: Ordersd_V1_EnqueueRequest) async throws -> Ordersd_V1_EnqueueReply {
    let isNew = try state.withLock { state in
      guard !state.refused.contains(request.orderID) else {
        throw ServiceError(.invalidArgument, "body: is refused by this test")
      }
      let isNew = !state.taken.contains { $0.orderID == request.orderID }
      if isNew { state.taken.append(request) }
      return isNew
    }
    while state.withLock({ $0.holdsEnqueues }) { try await Task.sleep(for: .milliseconds(10)) }
    var clock = try VectorClock(request.clock)
    clock.receive(clock, at: "order-queue")
    return .with {
      $0.clock = clock.message
      $0.duplicate = !isNew
      $0.state = .ready
    }
  }

  private func follow(
    _ after: UInt64, _ writer: RPCWriter<Ordersd_V1_OutcomeBatch>, _ context: ServerContext
  ) async throws {
    let generation = state.withLock { state in
      state.cursors.append(after)
      return state.generation
    }
    var sent = after
    while !context.cancellation.isCancelled {
      let (new, isOver) = state.withLock { state in
        (state.outcomes.filter { $0.sequence > sent }, state.generation != generation)
      }
      if isOver { return }
      if let last = new.last {
        try await writer.write(.with { $0.outcomes = new })
        sent = last.sequence
      }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}
