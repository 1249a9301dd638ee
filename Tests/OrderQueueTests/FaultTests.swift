import CoreTime
import DaemonKit
import Foundation
import GRDB
import OrderProtos
import OrderWire
import SwiftProtobuf
import Testing

private let isRoot = getuid() == 0

/// The real process on disks that refuse, and on files that are not what they should be.
@Suite(.timeLimit(.minutes(3)))
struct FaultTests {
  @Test(.enabled(if: isRoot, "NOT RUN: a small disk can only be mounted by root"))
  func aFullDiskRefusesAcknowledgesNothingAndPasses() async throws {
    let mount = TemporaryFolder()
    try FileManager.default.createDirectory(atPath: mount.path, withIntermediateDirectories: true)
    // The mount is in a namespace of the process's own, and goes with it.
    let process = try QueueProcess(
      folder: mount.path, port: try QueueProcess.freePort(),
      wrapper: [
        "unshare", "-m", "--propagation", "private", "sh", "-c",
        "mount -t tmpfs -o size=12m tmpfs '\(mount.path)' && exec \"$@\"", "sh",
      ])
    defer { process.crash() }
    let filler = "/proc/\(process.pid)/root\(mount.path)/filler"
    try await withClient(process) { queue in
      try await queue.reaches(process)
      let epoch = try await queue.claim(1).epoch
      let first = newOrderID()
      try await queue.enqueue(first)
      try Data(count: 8 << 20).write(to: URL(fileURLWithPath: filler))
      let (accepted, refused) = await fill(queue)
      let refusal = try #require(refused, "4 MiB took \(accepted.count) orders of 60,000 bytes")
      print("disk full: \(accepted.count) orders taken, then: \(refusal)")
      #expect(refusal.code == .storageUnavailable && refusal.isRetryable)
      #expect(refusal.message.contains("full"))
      let page = try #require(await process.page("/ready"))
      print("disk full, /ready: \(page)", terminator: "")
      #expect(page.hasPrefix("storage:"))
      for _ in 0..<20 { await #expect(throws: ServiceError.self) { try await queue.ack(first, epoch) } }

      try FileManager.default.removeItem(atPath: filler)
      try await eventually("the queue recovers by itself") { await process.isReady() }
      let last = newOrderID()
      try await queue.enqueue(last)
      // What was acknowledged is there; what was refused is not.
      #expect(try await queue.list().keys.sorted() == ([first] + accepted + [last]).sorted())
      try await queue.claim(1)
      var leased: [String] = []
      while leased.count < accepted.count + 2 {
        let deliveries = try await queue.lease(epoch, max: 200)
        if deliveries.isEmpty { break }
        leased += deliveries.map(\.orderID)
      }
      #expect(leased == [first] + accepted + [last])
      let journal = process.errors.split(separator: "\n").filter { $0.contains("tore") }
      print("disk full, journal:", journal.joined(separator: "\n  "))
    }
  }

  private func fill(_ queue: QueueClient) async -> (accepted: [String], refused: ServiceError?) {
    var accepted: [String] = []
    while accepted.count < 150 {
      let id = newOrderID()
      do {
        try await queue.enqueue(id, body: Data(count: 60_000))
        accepted.append(id)
      } catch {
        return (accepted, error as? ServiceError)
      }
    }
    return (accepted, nil)
  }

  enum Damage: String, CaseIterable {
    case notADatabase, truncated, shortened, overwritten, header

    func apply(to file: String) throws {
      let url = URL(fileURLWithPath: file)
      var bytes = try Data(contentsOf: url)
      let page = 4_096
      switch self {
      case .notADatabase: bytes = Data("Dear diary, today I wrote over the queue.\n".utf8)
      case .truncated: bytes = bytes.prefix(bytes.count / 2 / page * page)
      case .shortened: bytes = bytes.prefix(bytes.count - page - 100)
      case .overwritten:
        for start in stride(from: 4 * page, to: bytes.count - page, by: 3 * page) {
          for offset in start..<start + page { bytes[offset] = UInt8.random(in: .min ... .max) }
        }
      case .header: bytes.replaceSubrange(0..<16, with: Data(count: 16))
      }
      try bytes.write(to: url)
    }
  }

  @Test(arguments: Damage.allCases)
  func aDamagedFileIsRefusedAndKept(_ damage: Damage) async throws {
    let folder = TemporaryFolder()
    try await withQueue(folder: folder.path) { queue in
      for _ in 0..<30 { try await queue.enqueue(newOrderID(), body: Data(count: 6_000)) }
    }
    let file = "\(folder.path)/order-queue/queue.db"
    try damage.apply(to: file)
    let before = try Data(contentsOf: URL(fileURLWithPath: file))
    let end = try await QueueProcess(folder: folder.path, port: try QueueProcess.freePort()).ended()
    print("\(damage): status \(end.status): \(end.errors)", terminator: "")
    #expect(end.status == 1)
    #expect(end.errors.contains(file))
    #expect(end.errors.contains("is damaged") || end.errors.contains("is not a SQLite database"))
    #expect(end.errors.contains("restore a backup, or move it away"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before, "the file is kept as it was")
  }

  @Test func aNewerFileIsRefused() async throws {
    let folder = TemporaryFolder()
    try await withQueue(folder: folder.path) { _ in }
    let file = "\(folder.path)/order-queue/queue.db"
    try await DatabaseQueue(path: file).write { db in
      try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('9-from-the-future')")
    }
    let end = try await QueueProcess(folder: folder.path, port: try QueueProcess.freePort()).ended()
    print("newer: status \(end.status): \(end.errors)", terminator: "")
    #expect(end.status == 1)
    #expect(end.errors.contains("was written by a newer version of ordersd"))
  }

  /// Root passes over permissions; without those two capabilities it does not.
  @Test(.enabled(if: isRoot, "NOT RUN: needs setpriv as root"), arguments: [true, false])
  func aFolderThatCannotBeWrittenIsNamed(withFile: Bool) async throws {
    let folder = TemporaryFolder()
    try await withQueue(folder: folder.path) { queue in _ = try await queue.enqueue(newOrderID()) }
    let inner = "\(folder.path)/order-queue"
    if !withFile { try FileManager.default.removeItem(atPath: "\(inner)/queue.db") }
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: inner)
    if withFile {
      try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: "\(inner)/queue.db")
    }
    defer { try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: inner) }
    let end = try await QueueProcess(
      folder: folder.path, port: try QueueProcess.freePort(),
      wrapper: ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    ).ended()
    print("read-only folder: status \(end.status): \(end.errors)", terminator: "")
    #expect(end.status == 1)
    #expect(end.errors.contains(inner))
    #expect(end.errors.contains("written"))
  }
}
