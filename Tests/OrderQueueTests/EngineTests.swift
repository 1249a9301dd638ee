import CoreTime
import DaemonKit
import Foundation
import Logging
import NIOPosix
import OrderDomain
import OrderProtos
import OrderQueue
import OrderStore
import OrderWire
import PriorityQueue
import SwiftProtobuf
import Synchronization
import Testing
import VectorClock

/// Clocks that jump, as they do for a process that was stopped.
private final class SleepyClock: Sendable {
  private let slept = Mutex<Duration>(.zero)

  var clocks: Clocks {
    Clocks(
      now: { Clocks.system.now() + self.slept.withLock { $0 } },
      wall: { Clocks.system.wall() + self.slept.withLock { $0 } })
  }

  func sleep(for duration: Duration) { slept.withLock { $0 += duration } }
}

/// The messages of a log.
private final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])

  func levels(of message: String) -> [Logger.Level] {
    lines.withLock { lines in
      lines.filter { $0.hasSuffix(message) }.compactMap { line in
        Logger.Level.allCases.first { line.hasPrefix("\($0) ") }
      }
    }
  }

  func handler() -> any LogHandler { Handler(lines: self) }

  private struct Handler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.level) \(event.message)") } }
  }
}

/// What the queue does when it sleeps itself, and at the seams between streams and claims.
@Suite(.timeLimit(.minutes(1)))
struct EngineTests {
  @Test func theQueuesOwnSleepEndsNoLeadershipAndNoLease() async throws {
    let clock = SleepyClock()
    try await withQueue(["order-queue.leadership-lease": "5s"], clocks: clock.clocks) { queue in
      let id = newOrderID()
      try await queue.enqueue(id)
      let epoch = try await queue.claim(3).epoch
      #expect(try await queue.lease(epoch, ms: 5_000).count == 1)
      clock.sleep(for: .seconds(60))
      let other = try await queue.claim(1)
      #expect(!other.granted && other.holder == "executor-3")
      #expect(try await queue.peek(id).job.state == .leased)
      #expect(try await queue.lease(epoch).isEmpty)
      #expect(try await !queue.ack(id, epoch).duplicate)
      // Not for good: the lease goes on from where it was.
      try await eventually("the lane is free") { try await queue.claim(1).granted }
    }
  }

  @Test func aDiskThatStandsStillEndsNoLeadershipAndNoLease() async throws {
    try await withEngine(["order-queue.leadership-lease": "1s"], holding: true) { engine, store, _ in
      let id = try #require(OrderID(newOrderID()))
      let held = try #require(store)
      let command = EnqueueCommand(job: JobQueue.NewJob(id: id), clock: .init(), body: Data("{}".utf8))
      _ = try await engine.enqueue(command, recalled: nil).value
      let claim = LeadershipClaim(lane: "main", executor: 3, incarnation: 1, term: 1)
      let epoch = try await engine.claim(claim).value.epoch
      let fence = LeaderFence(lane: "main", epoch: epoch)
      #expect(try await engine.lease(fence, max: 1, duration: .seconds(1)).value.count == 1)
      held.hold()
      let acknowledged = await engine.ack(fence, id, clock: .init(), note: "")
      try await Task.sleep(for: .seconds(3))
      held.release()
      #expect(try await acknowledged.value.state == .done)
      let lower = LeadershipClaim(lane: "main", executor: 1, incarnation: 1, term: 1)
      #expect(try await !engine.claim(lower).value.isGranted)
    }
  }

  @Test func aClaimDoesNotHangOnAStreamThatIsEnding() async throws {
    try await withEngine(["order-queue.leadership-lease": "300ms"]) { engine, _, _ in
      let claim = LeadershipClaim(lane: "main", executor: 3, incarnation: 1, term: 1)
      let epoch = try await engine.claim(claim).value.epoch
      let pipe = Pipe<WorkLink.Item>(limit: 4)
      let link = try await engine.openWork(
        LeaderFence(lane: "main", epoch: epoch), executor: 3, incarnation: 1, lease: .seconds(30), held: nil,
        pipe: pipe
      ).value
      // Nobody renews: the queue ends the stream, whose end is not yet noticed by those who serve it.
      var isFenced = false
      while !isFenced, let items = await pipe.next(atMost: 1) {
        isFenced = items.contains { if case .fenced = $0 { true } else { false } }
      }
      #expect(isFenced)
      #expect(try await engine.claim(claim).value.epoch == epoch)
      await engine.closeWork(link)
      let lower = LeadershipClaim(lane: "main", executor: 1, incarnation: 1, term: 1)
      #expect(try await !engine.claim(lower).value.isGranted)
    }
  }

  /// ADR 0009: what the disk holds up must not cost a leadership.
  @Test func aRenewalIsAnsweredBeforeWhatWaitsForTheDisk() async throws {
    try await withEngine([:], holding: true) { engine, store, _ in
      let held = try #require(store)
      let id = try #require(OrderID(newOrderID()))
      let command = EnqueueCommand(job: JobQueue.NewJob(id: id), clock: .init(), body: Data("{}".utf8))
      _ = try await engine.enqueue(command, recalled: nil).value
      let epoch = try await engine.claim(Self.claim()).value.epoch
      let fence = LeaderFence(lane: "main", epoch: epoch)
      #expect(try await engine.lease(fence, max: 1, duration: .seconds(30)).value.count == 1)
      held.hold()
      let pipe = Pipe<WorkLink.Item>(limit: 4)
      let places = Places(1)
      #expect(await places.enter())
      let answers = WorkAnswers(pipe) { places.leave() }
      answers.add(await engine.ack(fence, id, clock: .init(), note: "")) { .of($0) { .settled(id, $0) } }
      answers.add(await engine.renew(fence)) { result in
        (try? result.get()).map { .answer(.renewed($0)) } ?? .failure(ServiceError(.internal, "not renewed"))
      }
      answers.complete()
      #expect(Self.names(await pipe.next(atMost: 8)) == ["renewed"])
      held.release()
      let last = await pipe.next(atMost: 8)
      #expect(Self.names(last) == ["settled"])
      // Room is what is written, or a peer that reads nothing would fill the memory.
      let early = Task { await places.enter() }
      early.cancel()
      #expect(await !early.value)
      for case .answers(_, let written?) in last ?? [] { written() }
      await places.waitUntilEmpty()
    }
  }

  private static func names(_ items: [WorkLink.Item]?) -> [String] {
    (items ?? []).flatMap { item -> [String] in
      guard case .answers(let answers, _) = item else { return ["\(item)"] }
      return answers.map { answer in
        switch answer {
        case .renewed: "renewed"
        case .settled: "settled"
        case .touched, .fenced: "\(answer)"
        }
      }
    }
  }

  private static func claim(incarnation: UInt64 = 1) -> LeadershipClaim {
    LeadershipClaim(lane: "main", executor: 3, incarnation: incarnation, term: 1)
  }

  private func open(_ engine: QueueEngine, _ epoch: Epoch) async -> (
    Pending<WorkLink>, OrderQueue.Pipe<WorkLink.Item>
  ) {
    let pipe = Pipe<WorkLink.Item>(limit: 4)
    let pending = await engine.openWork(
      LeaderFence(lane: "main", epoch: epoch), executor: 3, incarnation: 1, lease: .seconds(30), held: nil,
      pipe: pipe)
    return (pending, pipe)
  }

  /// The stream that took its place may be open before its end is noticed.
  @Test func aStreamThatWasReplacedIsPromisedNothingMore() async throws {
    try await withEngine([:]) { engine, _, _ in
      let epoch = try await engine.claim(Self.claim()).value.epoch
      let old = try await open(engine, epoch).0.value
      #expect(await engine.grant(4, to: old))
      let (pending, pipe) = await open(engine, epoch)
      let new = try await pending.value
      #expect(await engine.grant(4, to: new))
      let id = try #require(OrderID(newOrderID()))
      let command = EnqueueCommand(job: JobQueue.NewJob(id: id), clock: .init(), body: Data("{}".utf8))
      _ = try await engine.enqueue(command, recalled: nil).value
      var delivered: [OrderID] = []
      while delivered.isEmpty, let items = await pipe.next(atMost: 1) {
        for case .deliveries(let deliveries) in items { delivered += deliveries.map(\.id) }
      }
      #expect(delivered == [id])
      await engine.closeWork(old)
      await engine.closeWork(new)
    }
  }

  @Test func whatIsPromisedAndNotReadCountsAsCredit() async throws {
    try await withEngine([:]) { engine, _, _ in
      let epoch = try await engine.claim(Self.claim()).value.epoch
      let (pending, pipe) = await open(engine, epoch)
      let link = try await pending.value
      #expect(await engine.grant(QueueLimit.credits, to: link))
      let id = try #require(OrderID(newOrderID()))
      let command = EnqueueCommand(job: JobQueue.NewJob(id: id), clock: .init(), body: Data("{}".utf8))
      _ = try await engine.enqueue(command, recalled: nil).value
      #expect(await !engine.grant(1, to: link))
      link.sent(1)
      #expect(await engine.grant(1, to: link))
      pipe.finish()
      await engine.closeWork(link)
    }
  }

  @Test func aStreamThatTheDiskDidNotLetOpenHoldsNoLeadership() async throws {
    try await withEngine([:], holding: true) { engine, store, _ in
      let held = try #require(store)
      let epoch = try await engine.claim(Self.claim()).value.epoch
      held.hold()
      let pending = await open(engine, epoch).0
      held.refuse()
      await #expect(throws: ServiceError.self) { try await pending.value }
      // The next life of the same executor is not taken for a second one beside it.
      try await eventually("it is granted") {
        (try? await engine.claim(Self.claim(incarnation: 2)).value.isGranted) == true
      }
    }
  }

  @Test func aRefusedClaimIsToldOnceForEachClaimerAndEpoch() async throws {
    try await withEngine([:]) { engine, _, lines in
      for executor in [3, 1, 1, 2, 1, 2] {
        _ = try await engine.claim(
          LeadershipClaim(lane: "main", executor: executor, incarnation: 1, term: 1)
        ).value
      }
      let message = "The claim was refused: the lane has a leader."
      #expect(lines.levels(of: message) == [.info, .info])
      for executor in [4, 1, 1] {
        _ = try await engine.claim(
          LeadershipClaim(lane: "main", executor: executor, incarnation: 1, term: 1)
        ).value
      }
      #expect(lines.levels(of: message) == [.info, .info, .info])
    }
  }

  @Test func whatWasLostOnTheWayGoesBackAtOnceAndCostsNoAttempt() async throws {
    try await withQueue { queue in
      let (held, lost) = (newOrderID(), newOrderID())
      for id in [held, lost] { try await queue.enqueue(id) }
      let epoch = try await queue.claim(3).epoch
      try await queue.work(epoch, executor: 3, incarnation: 1, credits: 2) { session in
        var count = 0
        for try await event in session.events {
          if case .delivery = event.event { count += 1 }
          if count == 2 { return }
        }
      }
      let again = try await queue.work(
        epoch, executor: 3, incarnation: 1, credits: 2, held: [held, newOrderID()]
      ) { session -> Ordersd_V1_Delivery in
        for try await event in session.events {
          if case .delivery(let delivery) = event.event { return delivery }
        }
        throw TestFailure("nothing was delivered")
      }
      #expect(again.orderID == lost && again.attempt == 1)
      #expect(try await queue.peek(held).job.state == .leased)
      #expect(try await !queue.ack(held, epoch).duplicate)
    }
  }
}

/// An engine without a server, over a real store.
private func withEngine(
  _ settings: [String: String], holding: Bool = false,
  _ body: (QueueEngine, HeldStore?, LogLines) async throws -> Void
) async throws {
  let folder = TemporaryFolder()
  let configuration = try configuration(folder.path, settings)
  let lines = LogLines()
  let context = DaemonContext(
    process: "order-queue", logger: Logger(label: "order-queue") { _ in lines.handler() }, clocks: .system,
    heartbeats: Heartbeats(clocks: .system), eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
  let embedded = try EmbeddedQueueStore(path: configuration.file, context: context)
  let held = holding ? HeldStore(embedded) : nil
  let engine = try await QueueEngine.open(
    store: held ?? embedded, configuration: configuration, context: context)
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { await engine.run() }
    try await body(engine, held, lines)
    group.cancelAll()
  }
  try await engine.finishStop()
  withExtendedLifetime(folder) {}
}

/// A store on a disk that can stand still.
private final class HeldStore: QueueStore {
  private let inner: EmbeddedQueueStore
  private let state = Mutex<(isHeld: Bool, waiting: [@Sendable () -> Void], steps: [SubmittedStep])>(
    (false, [], []))

  init(_ inner: EmbeddedQueueStore) { self.inner = inner }

  func hold() { state.withLock { $0.isHeld = true } }

  func release() {
    let waiting = state.withLock { state in
      defer { state = (false, [], []) }
      return state.waiting
    }
    for step in waiting { step() }
  }

  /// Fails what is held.
  func refuse() {
    let waiting = state.withLock { state in
      defer { state = (false, [], []) }
      return state.steps
    }
    for step in waiting { step.completion(.failure(ServiceError(.storageUnavailable, "the disk is full"))) }
  }

  func submit(_ steps: [SubmittedStep]) {
    let isHeld = state.withLock { state in
      if state.isHeld {
        state.waiting.append { self.inner.submit(steps) }
        state.steps += steps
      }
      return state.isHeld
    }
    if !isHeld { inner.submit(steps) }
  }

  func load() async throws -> LoadedQueue { try await inner.load() }
  func job(_ id: OrderID) async throws -> StoredJob? { try await inner.job(id) }
  func jobs(_ ids: [OrderID]) async throws -> [StoredJob] { try await inner.jobs(ids) }
  func list(state: JobState?, after: OrderID?, limit: Int) async throws -> [StoredJob] {
    try await inner.list(state: state, after: after, limit: limit)
  }
  func outcomes(after: UInt64, limit: Int) async throws -> [StoredOutcome] {
    try await inner.outcomes(after: after, limit: limit)
  }
  func outcomeRange() async throws -> OutcomeRange { try await inner.outcomeRange() }
  func oldestOutcome() async throws -> OldestOutcome? { try await inner.oldestOutcome() }
  func prune(_ cut: RetentionClock.Cut, excess: Int, limit: Int) async throws -> Pruned {
    try await inner.prune(cut, excess: excess, limit: limit)
  }
  func recover() async throws { try await inner.recover() }
  var commits: CommitFigures { inner.commits }
  func close() throws { try inner.close() }
}
