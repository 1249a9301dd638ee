import CoreTime
import DaemonKit
import Foundation
import Logging
import NIOPosix
import OrderDomain
import OrderQueue
import PriorityQueue
import Testing
import VectorClock

/// A retention of ten hours, from an arbitrary start.
@Suite struct RetentionClockTests {
  private static let start = Now(
    wall: Timestamp(milliseconds: 1_700_000_000_000), monotonic: .zero + .seconds(5_000))

  /// Stamped at the start, a second before, or by another clock.
  private static let stamp = start.wall + .seconds(-1)

  private func clock(latest: UInt64) -> RetentionClock {
    RetentionClock(retention: .seconds(36_000), latest: latest, now: Self.start)
  }

  /// `set`: by how much the wall clock was set since the start.
  private func after(_ seconds: Int64, set: Int64 = 0) -> Now {
    Now(
      wall: Self.start.wall + .seconds(seconds + set), monotonic: Self.start.monotonic + .seconds(seconds))
  }

  @Test func whatThisProcessWroteAgesByTheMonotonicClockAlone() {
    var clock = clock(latest: 0)
    clock.mark(7, at: after(600).monotonic)
    clock.mark(9, at: after(1_200).monotonic)
    for set: Int64 in [30 * 86_400, 0, -30 * 86_400] {
      #expect(clock.cut(at: after(36_599, set: set)).sequence == 0)
    }
    #expect(clock.cut(at: after(36_600)).sequence == 7)
    #expect(clock.cut(at: after(37_199, set: 30 * 86_400)).sequence == 7)
    #expect(clock.cut(at: after(37_200, set: -30 * 86_400)).sequence == 9)
    #expect(!clock.cut(at: after(37_200)).isOld(10, stamp: Self.stamp))
  }

  @Test func whatWasThereBeforeAgesByItsStampOnceReadersHadTime() {
    var clock = clock(latest: 5)
    let long = Self.start.wall + .seconds(-40_000)
    #expect(!clock.cut(at: after(3_599)).isOld(5, stamp: long))
    let cut = clock.cut(at: after(3_600))
    #expect(cut.isOld(5, stamp: long))
    #expect(!cut.isOld(6, stamp: long), "written since the start")
    #expect(!cut.isOld(5, stamp: Self.stamp))
    #expect(clock.cut(at: after(3_600, set: 300)).isOld(5, stamp: long), "a correction")
  }

  @Test(arguments: [301, 30 * 86_400, -301] as [Int64])
  func stampsDoNotCountWhenTheWallClockWasSet(by set: Int64) {
    var clock = clock(latest: 5)
    let long = Self.start.wall + .seconds(-3_600_000)
    #expect(clock.newSetting(at: after(10)) == nil)
    #expect(clock.newSetting(at: after(20, set: set)) == .seconds(set))
    #expect(clock.newSetting(at: after(30, set: set)) == nil, "it is told once")
    #expect(!clock.cut(at: after(35_999, set: set)).isOld(5, stamp: long))
    // The process has run for the retention.
    #expect(clock.cut(at: after(36_000, set: set)).isOld(5, stamp: Self.stamp))
    #expect(!clock.cut(at: after(36_000, set: set)).isOld(6, stamp: long))
  }

  @Test func aSettingConcernsOnlyWhatIsStillThere() {
    var clock = clock(latest: 0)
    #expect(clock.newSetting(at: after(20, set: 86_400)) == nil)
  }

  @Test func marksAreBounded() {
    var clock = clock(latest: 0)
    var asked = 0
    for second in Int64(1)...72_000 where clock.isMarkDue(at: after(second).monotonic) {
      asked += 1
      clock.mark(UInt64(second), at: after(second).monotonic)
    }
    // 2 × 128, less what rounding to whole seconds takes.
    #expect(asked > 250 && asked <= 256)
    let lateness = 36_000 / Int64(RetentionClock.precision) + 1
    #expect(clock.cut(at: after(72_000)).sequence >= UInt64(36_000 - lateness))
  }
}

/// The same on the queue's disk.
@Suite(.timeLimit(.minutes(1))) struct ClockSettingTests {
  private func withEngine(
    _ folder: TemporaryFolder, _ clock: SettableClock,
    _ body: (QueueEngine, EmbeddedQueueStore) async throws -> Void
  ) async throws {
    let configuration = try configuration(folder.path, ["order-queue.retention": "1d"])
    let context = DaemonContext(
      process: "order-queue", logger: Logger(label: "order-queue") { _ in SwiftLogNoOpLogHandler() },
      clocks: clock.clocks, heartbeats: Heartbeats(clocks: clock.clocks),
      eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let store = try EmbeddedQueueStore(path: configuration.file, context: context)
    let engine = try await QueueEngine.open(store: store, configuration: configuration, context: context)
    try await body(engine, store)
    try await engine.finishStop()
  }

  private func finish(_ id: OrderID, _ engine: QueueEngine) async throws -> Bool {
    let command = EnqueueCommand(job: JobQueue.NewJob(id: id), clock: .init(), body: Data("{}".utf8))
    let recalled = try await engine.recall([id])[id]
    let isDuplicate = try await engine.enqueue(command, recalled: recalled).value.isDuplicate
    if !isDuplicate { _ = try await engine.cancel(id, clock: .init(), reason: "asked").value }
    return isDuplicate
  }

  @Test func aWallClockThatIsSetMakesNothingOld() async throws {
    let (folder, clock) = (TemporaryFolder(), SettableClock())
    let id = try #require(OrderID(newOrderID()))
    try await withEngine(folder, clock) { engine, store in
      let isDuplicate = try await finish(id, engine)
      #expect(!isDuplicate)
      clock.set(by: .seconds(30 * 86_400))
      for _ in 0..<3 { #expect(await !engine.prune()) }
      #expect(try await store.outcomes(after: 0, limit: 10).map(\.id) == [id])
    }
    // Soon after a restart readers and repeats still find it.
    try await withEngine(folder, clock) { engine, store in
      _ = await engine.prune()
      let isDuplicate = try await finish(id, engine)
      #expect(isDuplicate)
      // It looks a month old, and nothing speaks against it for an hour.
      clock.advance(by: .seconds(3_600))
      _ = await engine.prune()
      #expect(try await store.outcomes(after: 0, limit: 10).isEmpty)
    }
  }

  @Test func aQueueThatStartedInThePastWaitsForItsOwnTime() async throws {
    let (folder, clock) = (TemporaryFolder(), SettableClock())
    let id = try #require(OrderID(newOrderID()))
    try await withEngine(folder, clock) { engine, _ in
      let isDuplicate = try await finish(id, engine)
      #expect(!isDuplicate)
    }
    clock.set(by: .seconds(-30 * 86_400))
    try await withEngine(folder, clock) { engine, store in
      clock.set(by: .seconds(60 * 86_400))
      clock.advance(by: .seconds(86_000))
      _ = await engine.prune()
      let isDuplicate = try await finish(id, engine)
      #expect(isDuplicate)
      clock.advance(by: .seconds(400))
      _ = await engine.prune()
      #expect(try await store.outcomes(after: 0, limit: 10).isEmpty)
    }
  }
}
