import CoreTime
import DaemonKit
import FraudRules
import GRPCSupport

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The file that what is remembered survives a restart in.
struct MemorySnapshot: Sendable {
  /// Well above what a full memory with a million keys of each kind takes.
  private static let maximumSize = 1 << 30

  let path: String

  init(folder: String) { path = "\(folder)/memory.snapshot" }

  /// What a start came to.
  enum Restored: Sendable, Hashable {
    case nothing
    case memory
    /// The file could not be used and now has another name.
    case setAside(reason: String, as: String)
    /// Neither could it be used nor moved.
    case unusable(reason: String)
  }

  /// Takes the file's content over into `memory`. A file that cannot be used is renamed, for a person to look at.
  func restore(into memory: inout FraudMemory) -> Restored {
    guard FileManager.default.fileExists(atPath: path) else { return .nothing }
    let reason: String
    do {
      try memory.restore(Array(try SettingsFile.read(path, limit: Self.maximumSize)))
      return .memory
    } catch let error as FraudSnapshotError {
      reason = "\(error)"
    } catch {
      reason = "\(error)"
    }
    let aside = path + ".refused"
    do {
      if FileManager.default.fileExists(atPath: aside) { try FileManager.default.removeItem(atPath: aside) }
      try FileManager.default.moveItem(atPath: path, toPath: aside)
      return .setAside(reason: reason, as: aside)
    } catch {
      return .unusable(reason: "\(reason); it cannot be renamed either")
    }
  }

  /// Throws `DurableFile.Failure`.
  func write(_ memory: FraudMemory, now: Timestamp) throws {
    try DurableFile.replace(path, with: memory.encoded(now: now))
  }
}
