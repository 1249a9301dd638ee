import JournalLog
import Logging
import ServiceLifecycle
import SystemdSupport
import UnixSignals

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Settings that were read again and found to be right. They are in force after `adopt`.
package struct PreparedReload: Sendable {
  /// What differs from before, in words.
  package var changed: [String]
  /// Settings that differ from those in force, and are read only at a start.
  package var needRestart: [String]
  package var adopt: @Sendable () -> Void

  package init(changed: [String], needRestart: [String], adopt: @escaping @Sendable () -> Void) {
    self.changed = changed
    self.needRestart = needRestart
    self.adopt = adopt
  }
}

/// On SIGHUP: reads the settings again. What is wrong stays out of force as a whole, and is told in the
/// journal, in the status line until it is mended, and to whoever asked (`ReloadReport`).
struct Reloader: Service {
  let signals: UnixSignalsSequence
  /// Throws what is wrong with the settings.
  let prepare: @Sendable () throws -> PreparedReload
  /// The role's own part, e.g. rules in files; throws what is wrong with them. Returns what changed.
  let reloadRole: @Sendable () async throws -> [String]
  let health: RoleHealth
  let manager: ServiceManager
  let report: ReloadReport?
  let logger: Logger

  func run() async throws {
    var number = 0
    for await _ in signals.cancelOnGracefulShutdown() {
      number += 1
      manager.notify(.reloading)
      let (isAdopted, text) = await turn()
      health.refused(isAdopted ? nil : text)
      manager.notify(.ready, .status(await health.summary()))
      do {
        try report?.write(number, isAdopted: isAdopted, text)
      } catch {
        logger.warning("The outcome of a reload could not be written down.", metadata: ["reason": "\(error)"])
      }
    }
  }

  private func turn() async -> (isAdopted: Bool, text: String) {
    do {
      let prepared = try prepare()
      let changed = try await reloadRole() + prepared.changed
      prepared.adopt()
      let inForce = changed.isEmpty ? "nothing new" : changed.joined(separator: ", ")
      let later = prepared.needRestart.isEmpty ? "nothing" : prepared.needRestart.joined(separator: ", ")
      logger.tell(DaemonEvent.reloaded, metadata: ["changed": "\(inForce)", "need_restart": "\(later)"])
      return (true, "in force: \(inForce); only after a restart: \(later)")
    } catch {
      logger.tell(DaemonEvent.reloadRefused, metadata: ["reason": "\(error)"])
      return (false, "\(error)")
    }
  }
}

/// A file that tells what the latest reload of a role came to: for `ordersd reload`, which waits for it.
package struct ReloadReport: Sendable {
  private let path: String

  /// In the role's runtime folder.
  package init(folder: String) { path = folder + "/reload" }

  /// In the folder that systemd made for the unit (`RuntimeDirectory=`); nil where there is none.
  package init?(environment: [String: String]) {
    guard let folder = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first else { return nil }
    self.init(folder: String(folder))
  }

  /// What it came to, and which one it was.
  package struct Outcome: Sendable, Hashable {
    package let number: String
    package let isAdopted: Bool
    package let text: String
  }

  func write(_ number: Int, isAdopted: Bool, _ text: String) throws {
    let line = "\(ProcessInfo.processInfo.processIdentifier).\(number) \(isAdopted ? "adopted" : "refused")\n"
    try Data((line + text).utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  /// Nil when there was none yet.
  package func read() -> Outcome? {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
    let words = parts[0].split(separator: " ")
    guard parts.count == 2, words.count == 2 else { return nil }
    return Outcome(number: String(words[0]), isAdopted: words[1] == "adopted", text: String(parts[1]))
  }
}
