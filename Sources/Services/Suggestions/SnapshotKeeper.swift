import DaemonKit
import JournalLog
import Logging
import ServiceLifecycle

/// Stores what was learned now and then, and once more at the end.
struct SnapshotKeeper: Service {
  let memory: SuggestionMemory
  let file: SnapshotFile
  let interval: Duration
  let context: DaemonContext

  /// Before anything is asked or learned. A file that can't be used costs what it held until that is
  /// learned again, never the start.
  func restore() async {
    do {
      guard let found = try await file.read() else {
        context.logger.info("Nothing was learned before.", metadata: ["file": "\(file.path)"])
        return
      }
      memory.restore(found.learned, at: found.writtenAt)
      context.logger.info(
        "What was learned before is known again.",
        metadata: ["orders": "\(found.learned.orders)", "cursor": "\(found.learned.cursor)"])
    } catch let error as SnapshotFile.Damaged {
      context.logger.tell(
        CheckEvent.learnedDamaged,
        metadata: ["file": "\(file.path)", "reason": "\(error.reason)", "kept_as": "\(error.keptAs)"])
    } catch {
      memory.note(.snapshot, "\(error)")
      context.logger.error(
        "What was learned before can't be read; it is learned anew from the outcomes.",
        metadata: ["reason": "\(error)"])
    }
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        // Cancelled: the loop ends, and what is new is stored below.
        try? await Task.sleep(for: interval)
        if !Task.isCancelled { await save() }
      }
    }
    await save()
  }

  private func save() async {
    guard let learned = memory.unsaved() else { return }
    let now = context.clocks.wall()
    do {
      try await file.write(learned, at: now)
      memory.saved(learned.cursor, at: now)
      if memory.note(.snapshot, nil) { context.logger.info("What is learned is stored again.") }
    } catch {
      guard memory.note(.snapshot, "\(error)") else { return }
      context.logger.tell(
        CheckEvent.learnedUnwritable,
        metadata: ["reason": "\(error)"])
    }
  }
}
