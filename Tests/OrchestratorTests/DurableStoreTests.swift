import CoreTime
import DaemonKit
import Dispatch
import GRDB
import Logging
import NIOPosix
import OrderStore
import OrderWire
import Testing
import WatchdogKit

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The SQLite file under the orchestrator and the queue.
@Suite(.timeLimit(.minutes(2))) struct DurableStoreTests {
  private static let schema = [
    SchemaStep(
      "1 lines", "CREATE TABLE lines (number INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE)")
  ]
  private struct Refused: Error {}

  private func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder =
      FileManager.default.temporaryDirectory.path + "/ordersd-store-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer {
      do { try FileManager.default.removeItem(atPath: folder) } catch { Issue.record("\(folder): \(error)") }
    }
    return try await body(folder)
  }

  private func open(
    _ folder: String, _ mode: DurableStore.FailureMode = .carryOn, schema: [SchemaStep] = schema,
    heartbeats: Heartbeats = Heartbeats(clocks: .system),
    announce: @escaping @Sendable (String, Duration) -> Void = { _, _ in }
  ) throws -> DurableStore {
    var context = DaemonContext(
      process: "test", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clocks: .system,
      heartbeats: heartbeats, eventLoopGroup: .singleton)
    context.announce = announce
    return try DurableStore(path: "\(folder)/test.db", schema: schema, failureMode: mode, context: context)
  }

  private static func insert(_ text: String) -> @Sendable (Database) throws -> Void {
    { db in try db.execute(sql: "INSERT INTO lines (text) VALUES (?)", arguments: [text]) }
  }

  /// As a backup by VACUUM INTO does, for as long as it takes: the log cannot be started anew meanwhile.
  @Test func aReaderThatLastsHoldsNoCommitUp() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      try await store.commit(Self.insert("first"))
      let reader = try DatabaseQueue(path: "\(folder)/test.db")
      let (reading, isReading) = AsyncStream.makeStream(of: Void.self)
      let (written, isWritten) = AsyncStream.makeStream(of: Void.self)
      async let snapshot = Task {
        try await reader.read { db in
          let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM lines") ?? 0
          isReading.yield()
          let isOver = DispatchSemaphore(value: 0)
          Task {
            _ = await written.first { true }
            isOver.signal()
          }
          isOver.wait()
          return count
        }
      }.value
      _ = await reading.first { true }
      let clock = ContinuousClock()
      var longest = Duration.zero
      let began = clock.now
      var number = 0
      // More than the log is to have, and long enough to be copied several times.
      while number < 96 || clock.now - began < .seconds(4) {
        number += 1
        let text = String(repeating: "x", count: number < 96 ? 1 << 20 : 10) + "\(number)"
        longest = max(longest, try await clock.measure { try await store.commit(Self.insert(text)) })
      }
      isWritten.yield()
      #expect(try await snapshot == 1)
      try store.close()
      #expect(longest < .seconds(1), "the busy timeout of the writer is 2 s")
    }
  }

  private func lines(_ store: DurableStore) async throws -> [String] {
    try await store.read { db in try String.fetchAll(db, sql: "SELECT text FROM lines ORDER BY number") }
  }

  /// Without it a commit is written and not flushed: whatever was acknowledged could go with the power.
  @Test func eachCommitIsFlushedToTheDisk() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      let full = 2  // sqlite.org/pragma.html#pragma_synchronous
      #expect(try await store.commit { db in try Int.fetchOne(db, sql: "PRAGMA synchronous") } == full)
      try store.close()
    }
  }

  /// Or each flush would have the file's new length to write as well.
  @Test func aCommitOverwritesSpaceThatTheLogHasAlready() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      // The first is answered before the space behind it is written, the second is not.
      for text in ["first", "second"] { try await store.commit(Self.insert(text)) }
      let length = try logLength(folder)
      // A page each at least, and far less than what is written ahead at a time.
      for number in 0..<40 { try await store.commit(Self.insert("\(number)")) }
      #expect(try logLength(folder) == length)
      try store.close()
    }
  }

  @Test func whatALogHasBehindItsLastFrameIsNotRead() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      for number in 0..<10 { try await store.commit(Self.insert("\(number)")) }
      // What a crash leaves behind.
      let copy = folder + "/copy"
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
      for name in ["test.db", "test.db-wal"] {
        try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: "\(copy)/\(name)")
      }
      try store.close()
      #expect(try logLength(copy) > 1 << 20)
      let again = try open(copy)
      #expect(try await lines(again) == (0..<10).map(String.init))
      try again.close()
    }
  }

  /// The check at the start reads all of it, and the service manager waits no longer than it was told to.
  @Test func theCheckAsksForTimeByTheSizeOfTheFile() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      // Once more in its index.
      try await store.commit { db in
        try db.execute(sql: "INSERT INTO lines (text) VALUES (zeroblob(10000000))")
      }
      try store.close()
      let announced = Gathered<String>()
      try open(folder) { announced.append("\($0) \($1.components.seconds) s") }.close()
      #expect(announced.values == ["checking the database (19 MiB) 32 s"])
    }
  }

  private func logLength(_ folder: String) throws -> Int {
    try DurableFile.length(of: folder + "/test.db-wal")
  }

  @Test func aWriterThatHangsIsNamedOnceThereIsSomethingToWrite() async throws {
    try await withFolder { folder in
      let loops = WatchedLoops()
      let store = try open(folder, heartbeats: loops.heartbeats)
      loops.letTimePass()
      #expect(loops.missed.isEmpty)
      let outcomes = Gathered<Bool>()
      let missed = try await loops.missed(wedging: "store-writer") {
        store.submit(Self.insert("a")) { outcomes.append($0 == nil) }
      }
      #expect(missed == ["store-writer"])
      #expect(try await eventually { outcomes.values == [true] })
      #expect(try await loops.allTurn())
      #expect(try await lines(store) == ["a"])
      try store.close()
    }
  }

  @Test func changesAreAppliedInTheOrderOfTheirCalls() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      let finished = Gathered<Int>()
      // More than one batch, the first of which is under way while the rest gathers.
      let count = DurableStore.maximumBatch * 2 + 7
      for number in 0..<count {
        store.submit(Self.insert("\(number)")) { error in
          #expect(error == nil)
          finished.append(number)
        }
      }
      try await store.commit(Self.insert("last"))
      #expect(finished.values == Array(0..<count))
      #expect(try await lines(store) == (0..<count).map(String.init) + ["last"])
      try store.close()
    }
  }

  @Test func aChangeThatThrowsUndoesOnlyItself() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      let failed = Gathered<Int>()
      for number in 0..<20 {
        store.submit { db in
          try Self.insert("\(number)")(db)
          if number == 7 { throw Refused() }
          // A constraint: the statement's own fault, not the disk's.
          if number == 9 { try Self.insert("8")(db) }
        } completion: { error in
          if error != nil { failed.append(number) }
        }
      }
      await #expect(throws: Refused.self) { try await store.commit { _ in throw Refused() } }
      let value = try await store.commit { db in try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM lines") ?? 0
      }
      #expect(value == 18)
      #expect(try await lines(store) == (0..<20).filter { $0 != 7 && $0 != 9 }.map(String.init))
      #expect(failed.values == [7, 9])
      try store.close()
    }
  }

  /// `PRAGMA max_page_count` makes SQLite say that the disk is full (sqlite.org/pragma.html).
  private func fill(_ store: DurableStore) async throws {
    try await store.commit { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages)")
    }
  }

  private func makeRoom(_ store: DurableStore) async throws {
    try await store.commit { db in _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = 1000000") }
  }

  @Test func aFullDiskAcknowledgesNothingOfTheBatch() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      try await store.commit(Self.insert("before"))
      try await fill(store)
      let large = String(repeating: "x", count: 100_000)
      let error = await #expect(throws: ServiceError.self) { try await store.commit(Self.insert(large)) }
      #expect(error?.code == .storageUnavailable && error?.isRetryable == true)
      #expect(try await lines(store) == ["before"], "it can still be read")
      #expect(store.failure == nil && store.trouble?.code == .storageUnavailable)
      try await makeRoom(store)
      #expect(store.trouble != nil, "a transaction that writes nothing shows nothing")
      try await store.commit(Self.insert("after"))
      #expect(try await lines(store) == ["before", "after"])
      #expect(store.failure == nil && store.trouble == nil)
      try store.close()
    }
  }

  /// What is behind the change was computed from a state that never came to be.
  @Test func aMirroredStoreTakesNothingBesideOrBehindAChangeThatThrows() async throws {
    try await withFolder { folder in
      let store = try open(folder, .refuseUntilRecovered)
      let (began, failures, gate) = (Gathered<Bool>(), Gathered<Bool>(), DispatchSemaphore(value: 0))
      store.submit { db in
        began.append(true)
        // Until the rest has gathered behind it.
        gate.wait()
        try Self.insert("before")(db)
      } completion: { error in
        failures.append(error != nil)
      }
      #expect(try await eventually { !began.values.isEmpty })
      for number in 0..<4 {
        store.submit { db in
          if number == 2 { throw Refused() }
          try Self.insert("\(number)")(db)
        } completion: { error in
          failures.append(error != nil)
        }
      }
      gate.signal()
      #expect(try await eventually { failures.values.count == 5 })
      #expect(failures.values == [false, true, true, true, true])
      #expect(store.failure?.code == .storageUnavailable)
      await #expect(throws: ServiceError.self) { try await store.commit(Self.insert("later")) }
      store.recover()
      try await store.commit(Self.insert("after"))
      #expect(try await lines(store) == ["before", "after"])
      try store.close()
    }
  }

  @Test func aMirroredStoreRefusesUntilItIsReadAnew() async throws {
    try await withFolder { folder in
      let store = try open(folder, .refuseUntilRecovered)
      try await store.commit(Self.insert("before"))
      try await fill(store)
      let codes = Gathered<ErrorCode?>()
      let large = String(repeating: "x", count: 100_000)
      for number in 0..<5 {
        store.submit(Self.insert(number == 0 ? large : "\(number)")) { error in
          codes.append((error as? ServiceError)?.code)
        }
      }
      let later = await #expect(throws: ServiceError.self) { try await store.commit(Self.insert("later")) }
      #expect(later?.code == .storageUnavailable)
      #expect(try await eventually { codes.values.count == 5 })
      #expect(codes.values == Array(repeating: .storageUnavailable, count: 5))
      #expect(store.failure?.code == .storageUnavailable)
      store.recover()
      #expect(store.failure == nil)
      try await makeRoom(store)
      try await store.commit(Self.insert("after"))
      #expect(try await lines(store) == ["before", "after"])
      try store.close()
    }
  }

  @Test func whatWasCommittedIsThereAgain() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      try await store.commit(Self.insert("kept"))
      // As a crash leaves it: the write-ahead log is not folded in.
      let copy = "\(folder)/copy"
      try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
      for suffix in ["", "-wal"] {
        try FileManager.default.copyItem(
          atPath: "\(folder)/test.db\(suffix)", toPath: "\(copy)/test.db\(suffix)")
      }
      try store.close()
      let error = await #expect(throws: ServiceError.self) { try await store.commit(Self.insert("late")) }
      #expect(error?.code == .stopping)
      for place in [folder, copy] {
        let again = try open(place)
        #expect(try await lines(again) == ["kept"], "\(place)")
        try again.close()
      }
    }
  }

  // MARK: Files that can't be opened

  @Test func aFileThatIsNoDatabaseIsLeftAlone() async throws {
    try await withFolder { folder in
      let content = Data(String(repeating: "precious notes\n", count: 1_000).utf8)
      try content.write(to: URL(fileURLWithPath: "\(folder)/test.db"))
      let error = #expect(throws: StoreOpenError.self) { try open(folder) }
      #expect(error?.description.contains("\(folder)/test.db: is not a SQLite database") == true)
      #expect(error?.description.contains("restore a backup") == true)
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/test.db")) == content)
    }
  }

  @Test func aDamagedFileIsRefusedAtTheStartAndLeftAlone() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      for number in 0..<2_000 {
        store.submit(Self.insert("a line of some length, number \(number)")) { _ in }
      }
      try await store.commit(Self.insert("last"))
      try store.close()
      let file = URL(fileURLWithPath: "\(folder)/test.db")
      let plain = try DatabaseQueue(path: file.path)
      try await plain.writeWithoutTransaction { db in
        _ = try Row.fetchAll(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
      try plain.close()
      var content = try Data(contentsOf: file)
      try #require(content.count > 4_096 * 6)
      for offset in 4_096 * 3..<4_096 * 6 { content[offset] = UInt8(truncatingIfNeeded: offset &* 31) }
      try content.write(to: file)
      let error = #expect(throws: StoreOpenError.self) { try open(folder) }
      #expect(error?.problem.hasPrefix("is damaged") == true, "\(error?.description ?? "opened")")
      #expect(try Data(contentsOf: file) == content)
    }
  }

  @Test func aNewerSchemaIsRefused() async throws {
    try await withFolder { folder in
      let newer = Self.schema + [SchemaStep("2 more", "CREATE TABLE more (number INTEGER)")]
      let store = try open(folder, schema: newer)
      try await store.commit(Self.insert("kept"))
      try store.close()
      let error = #expect(throws: StoreOpenError.self) { try open(folder) }
      #expect(error?.problem == "was written by a newer version of ordersd")
      let again = try open(folder, schema: newer)
      #expect(try await lines(again) == ["kept"])
      try again.close()
    }
  }

  @Test func aSchemaGrowsStepByStep() async throws {
    try await withFolder { folder in
      let store = try open(folder)
      try await store.commit(Self.insert("kept"))
      try store.close()
      let grown = try open(
        folder, schema: Self.schema + [SchemaStep("2 more", "CREATE TABLE more (number INTEGER)")])
      #expect(try await lines(grown) == ["kept"])
      try await grown.commit { db in try db.execute(sql: "INSERT INTO more VALUES (1)") }
      try grown.close()
    }
  }

  @Test func aFolderThatCannotBeMadeIsNamed() async throws {
    try await withFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      let error = #expect(throws: StoreOpenError.self) { try open("\(folder)/file") }
      #expect(error?.path == "\(folder)/file/test.db")
    }
  }

  @Test(.enabled(if: geteuid() != 0, "root may write anywhere"))
  func aFolderThatCannotBeWrittenIsNamed() async throws {
    try await withFolder { folder in
      let closed = "\(folder)/closed"
      try FileManager.default.createDirectory(
        atPath: closed, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o500])
      let error = #expect(throws: StoreOpenError.self) { try open(closed) }
      #expect(error?.problem.contains("check that the folder exists and can be written") == true)
    }
  }
}
