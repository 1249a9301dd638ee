import CoreTime
import DaemonKit
import Foundation
import Synchronization

/// A folder that goes away with the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "daemonkit-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func file(_ name: String, _ text: String) throws -> String {
    let file = "\(path)/\(name)"
    try FileManager.default.createDirectory(
      at: URL(fileURLWithPath: file).deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return file
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A clock that moves when the test says so.
final class ManualClock: Sendable {
  private let time = Mutex(Instant.zero)

  func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }

  var clocks: Clocks {
    Clocks(now: { self.time.withLock { $0 } }, wall: { Timestamp(milliseconds: 0) })
  }
}

extension Instant {
  static func at(_ duration: Duration) -> Instant { .zero + duration }
}
