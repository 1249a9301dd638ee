import Logging
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Keeps written space ahead of the end of the write-ahead log.
///
/// A commit that makes the file longer has to flush the file's inode too, and the journal of the file system
/// where there is one; one that overwrites has its own data to flush. What stands behind the last frame does not
/// matter: SQLite reads a log up to the first frame whose salts are not those of its header
/// (sqlite.org/fileformat2.html#walformat).
///
/// For the one thread that writes, between its transactions.
final class LogSpace: Sendable {
  /// Bytes that are written ahead at a time.
  static let step = 1 << 20

  private struct State {
    var file: Int32?
    /// Of the file, when it was last written ahead.
    var length = 0
  }

  private let path: String
  private let limit: Int
  private let logger: Logger
  private let state = Mutex(State())

  /// `path`: of the database. `limit`: bytes from which the log is left as it is.
  init(path: String, limit: Int, logger: Logger) {
    self.path = path + "-wal"
    self.limit = limit
    self.logger = logger
  }

  deinit { state.withLock { state in if let file = state.file { _ = close(file) } } }

  /// A transaction was committed.
  func committed() {
    state.withLock { state in
      if state.file == nil {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        state.file = file >= 0 ? file : nil
      }
      guard let file = state.file else { return }
      let length = lseek(file, 0, SEEK_END)
      guard length > state.length, length < limit else { return }
      // When it fails too: until the log has grown by as much again.
      state.length = length + Self.step
      guard let reason = writeAhead(file, from: length) else { return }
      // What could be written may be the space that the next commit needs.
      _ = ftruncate(file, length)
      logger.debug("The log has no space written ahead.", metadata: ["reason": "\(reason)"])
    }
  }

  /// Returns why it could not be.
  private func writeAhead(_ file: Int32, from start: Int) -> String? {
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 1) { zeros in
      zeros.initializeMemory(as: UInt8.self, repeating: 0)
      var offset = start
      while offset < start + Self.step {
        let written = pwrite(file, zeros.baseAddress, zeros.count, offset)
        if written > 0 {
          offset += written
        } else if errno != EINTR {
          return String(cString: strerror(errno))
        }
      }
      return nil
    }
  }
}
