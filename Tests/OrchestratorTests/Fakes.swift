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
  /// Every answer comes twice.
  case double
  /// Answers after the time given, also when nobody waits any more.
  case late(Duration)
  /// The event passes, with something for a person to see.
  case note(event: String, [Finding])
}

/// A check service over real gRPC that does as it is told, and keeps its own clocks.
final class FakeCheck: RegistrableRPCService {
  let name: String
  private let session: MethodDescriptor
  private let state: Mutex<State>

  private struct State {
    var behaviour = Behaviour.pass
    var hangsOnSettle = false
    var clocks: OrderClocks<String>
    var verdicts: [Ordersd_V1_SettleReply.Verdict] = []
    var requests: [[String]] = []
    var messages: [Int] = []
    var budgets: [UInt32] = []
    var clients: [String] = []
    var violates = false
    var cancelled: [String] = []
    var generation = 0
    var sessions = 0
  }

  init(_ name: String, session: MethodDescriptor) {
    self.name = name
    self.session = session
    state = Mutex(State(clocks: OrderClocks(process: name, capacity: 10_000)))
  }

  var behaviour: Behaviour {
    get { state.withLock { $0.behaviour } }
    set { state.withLock { $0.behaviour = newValue } }
  }

  func hangOnSettle() { state.withLock { $0.hangsOnSettle = true } }
  /// Knows of something, when it is told that an order is over, that nobody was told of.
  func violateCausality() { state.withLock { $0.violates = true } }
  /// The client's address of each request.
  var clients: [String] { state.withLock { $0.clients } }
  /// Ends the open streams.
  func breakSessions() { state.withLock { $0.generation += 1 } }

  /// What it found when it was told that orders are over.
  var verdicts: [Ordersd_V1_SettleReply.Verdict] { state.withLock { $0.verdicts } }
  /// The events of each request.
  var requests: [[String]] { state.withLock { $0.requests } }
  /// The number of calls of each message.
  var messages: [Int] { state.withLock { $0.messages } }
  /// What each request said was left of its time, in milliseconds.
  var budgets: [UInt32] { state.withLock { $0.budgets } }
  /// Orders whose check was cancelled.
  var cancelled: [String] { state.withLock { $0.cancelled } }
  /// Streams that were opened.
  var sessions: Int { state.withLock { $0.sessions } }

  func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
    router.registerHandler(
      forMethod: session, deserializer: ProtobufDeserializer<Ordersd_V1_CheckSessionRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_CheckSessionReply>()
    ) { request, context in
      StreamingServerResponse { writer in
        try await self.serve(request.messages, writer, context)
        return [:]
      }
    }
  }

  private func serve(
    _ messages: RPCAsyncSequence<Ordersd_V1_CheckSessionRequest, any Error>,
    _ writer: RPCWriter<Ordersd_V1_CheckSessionReply>, _ context: ServerContext
  ) async throws {
    let generation = state.withLock { state in
      state.sessions += 1
      return state.generation
    }
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        while !context.cancellation.isCancelled, self.state.withLock({ $0.generation }) == generation {
          try await Task.sleep(for: .milliseconds(5))
        }
        return true
      }
      group.addTask {
        try await withThrowingDiscardingTaskGroup { calls in
          for try await message in messages {
            self.state.withLock { $0.messages.append(message.calls.count) }
            for call in message.calls { calls.addTask { try await self.answer(call, writer, context) } }
          }
        }
        return true
      }
      _ = try await group.next()
      group.cancelAll()
    }
  }

  private func answer(
    _ call: Ordersd_V1_CheckCall, _ writer: RPCWriter<Ordersd_V1_CheckSessionReply>, _ context: ServerContext
  ) async throws {
    var answer = Ordersd_V1_CheckAnswer()
    answer.correlationID = call.correlationID
    do {
      switch call.call {
      case .check(let request): answer.check = try await self.answer(request, context)
      case .settle(let request): answer.settle = try await self.answer(request, context)
      case .cancel(let request): return state.withLock { $0.cancelled.append(request.orderID) }
      case nil: throw ServiceError(.invalidArgument, "call: is missing")
      }
    } catch let error as ServiceError {
      answer.error = .with {
        $0.code = error.code.rawValue
        $0.message = error.message
        $0.retryable = error.isRetryable
      }
    }
    var answers = [answer]
    if case .double = behaviour { answers.append(answer) }
    let reply = answers
    try await writer.write(.with { $0.answers = reply })
  }

  private func answer(_ request: Ordersd_V1_CheckRequest, _ context: ServerContext) async throws
    -> Ordersd_V1_CheckReply
  {
    let behaviour = state.withLock { state in
      state.requests.append(request.events)
      state.budgets.append(request.budgetMs)
      state.clients.append(request.clientAddress)
      return state.behaviour
    }
    var failing: (event: String, finding: Finding)?
    var notes: (event: String, findings: [Finding])?
    switch behaviour {
    case .pass, .double: break
    case .note(let event, let findings): notes = (event, findings)
    case .late(let pause): try await Task.sleep(for: pause)
    case .fail(let event, let finding): failing = (event, finding)
    case .hang: try await hang(context)
    case .unavailable: throw ServiceError(.serviceUnavailable, "\(name) is told to be unavailable")
    }
    let clock = try VectorClock(request.clock)
    let noted = notes
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
          if let noted, noted.event == event { $0.findings = noted.findings.map(\.wireMessage) }
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
      if state.violates { _ = state.clocks.tick(request.orderID) }
      let settlement = state.clocks.settle(request.orderID, finalClock: clock)
      let verdict: Ordersd_V1_SettleReply.Verdict =
        switch settlement {
        case .consistent: .consistent
        case .violation: .violation
        case .unknown: .unknown
        }
      state.verdicts.append(verdict)
      return .with {
        $0.verdict = verdict
        if case .violation(let own) = settlement { $0.clock = own.message }
      }
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
    var messages = 0
    var refused: Set<String> = []
    var holdsEnqueues = false
    var cancelled: [String] = []
    var refusesCancels = false
    /// Holder by order.
    var leased: [String: String] = [:]
    var jobs: [String: Ordersd_V1_Job] = [:]
    /// The first outcome that is kept.
    var oldest: UInt64 = 1
    var isFull = false
    var outcomes: [Ordersd_V1_Outcome] = []
    /// The cursors with which the stream was opened.
    var cursors: [UInt64] = []
    var generation = 0
  }

  private let state = Mutex(State())

  /// Orders by the time of their first arrival.
  var taken: [Ordersd_V1_EnqueueRequest] { state.withLock { $0.taken } }
  /// That came on sessions.
  var messages: Int { state.withLock { $0.messages } }
  var cursors: [UInt64] { state.withLock { $0.cursors } }

  func refuse(_ order: String) { state.withLock { _ = $0.refused.insert(order) } }
  /// Orders that were cancelled, in the order of the cancels.
  var cancelled: [String] { state.withLock { $0.cancelled } }
  func refuseCancels() { state.withLock { $0.refusesCancels = true } }
  /// Too late for a cancel from now on.
  func lease(_ order: String, by holder: String) { state.withLock { $0.leased[order] = holder } }
  /// What a peek finds.
  func keep(_ job: Ordersd_V1_Job) { state.withLock { $0.jobs[job.orderID] = job } }
  /// Forgets outcomes, as retention does.
  func forgetOutcomes(before oldest: UInt64) { state.withLock { $0.oldest = oldest } }
  /// Takes no orders from now on.
  func fill() { state.withLock { $0.isFull = true } }
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
      forMethod: Ordersd_V1_OrderQueue.Method.Session.descriptor,
      deserializer: ProtobufDeserializer<Ordersd_V1_QueueSessionRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_QueueSessionReply>()
    ) { request, _ in
      StreamingServerResponse { writer in
        for try await message in request.messages {
          self.state.withLock { $0.messages += 1 }
          var answers: [Ordersd_V1_QueueAnswer] = []
          for call in message.calls { answers.append(try await self.answer(call)) }
          let reply = answers
          try await writer.write(.with { $0.answers = reply })
        }
        return [:]
      }
    }
    router.registerHandler(
      forMethod: Ordersd_V1_OrderQueue.Method.Outcomes.descriptor,
      deserializer: ProtobufDeserializer<Ordersd_V1_OutcomesRequest>(),
      serializer: ProtobufSerializer<Ordersd_V1_OutcomeBatch>()
    ) { request, context in
      let after = try await ServerRequest(stream: request).message.after
      let oldest = self.state.withLock { $0.oldest }
      if after + 1 < oldest {
        throw RPCError(ServiceError(.conflict, "are no longer kept", details: ["oldest": "\(oldest)"]))
      }
      return StreamingServerResponse { writer in
        try await self.follow(after, writer, context)
        return [:]
      }
    }
  }

  private func answer(_ call: Ordersd_V1_QueueCall) async throws -> Ordersd_V1_QueueAnswer {
    var answer = Ordersd_V1_QueueAnswer()
    answer.correlationID = call.correlationID
    do {
      switch call.call {
      case .cancel(let request): answer.cancel = try cancel(request)
      case .peek(let request):
        guard let job = state.withLock({ $0.jobs[request.orderID] }) else {
          throw ServiceError(.notFound, "is not known to this test")
        }
        answer.peek.job = job
      case .enqueue, nil: answer.enqueue = try await enqueue(call.enqueue)
      }
    } catch let error as ServiceError {
      answer.error = .with {
        $0.code = error.code.rawValue
        $0.message = error.message
      }
    }
    return answer
  }

  private func enqueue(_ request: Ordersd_V1_EnqueueRequest) async throws -> Ordersd_V1_EnqueueReply {
    let isNew = try state.withLock { state in
      if state.isFull { throw ServiceError(.overloaded, "the queue is full", retryAfter: .seconds(1)) }
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

  private func cancel(_ request: Ordersd_V1_CancelRequest) throws -> Ordersd_V1_CancelReply {
    let (holder, isKnown, isNew) = try state.withLock { state in
      if state.refusesCancels { throw ServiceError(.storageUnavailable, "is told to refuse") }
      let holder = state.leased[request.orderID]
      let isKnown = state.taken.contains { $0.orderID == request.orderID }
      let isNew = isKnown && holder == nil && !state.cancelled.contains(request.orderID)
      if isNew { state.cancelled.append(request.orderID) }
      return (holder, isKnown, isNew)
    }
    guard isKnown else { throw ServiceError(.notFound, "order \(request.orderID) is not known") }
    if isNew { tell(.cancelled, request.orderID, reason: request.reason) }
    return .with {
      $0.clock = request.clock
      $0.cancelled = holder == nil
      $0.state = holder == nil ? .cancelled : .leased
      $0.holder = holder ?? ""
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
