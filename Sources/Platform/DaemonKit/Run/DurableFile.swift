#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Files that are either the old one or the new one, whenever the machine stops.
package enum DurableFile {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    init(_ what: String, _ path: String) {
      description = "\(path): cannot be \(what) (\(String(cString: strerror(errno))))"
    }
  }

  /// Writes `bytes` under another name, flushes them, and renames the file into place (rename(2)). Readable by
  /// the owner only. Blocks its thread. Throws `Failure`; then the old file is as it was,
  /// or the new one is in place and not certain to outlast a loss of power.
  package static func replace(_ path: String, with bytes: [UInt8]) throws {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Failure("made", temporary) }
    do {
      try fill(file, with: bytes, temporary)
      guard fsync(file) == 0 else { throw Failure("flushed", temporary) }
    } catch {
      close(file)
      throw error
    }
    guard close(file) == 0 else { throw Failure("closed", temporary) }
    guard rename(temporary, path) == 0 else { throw Failure("renamed", temporary) }
    try flushFolder(of: path)
  }

  /// Bytes of a file. Not from `FileManager`, whose number is of another type when all of Foundation is linked.
  ///
  /// Throws `Failure` when it cannot be opened.
  package static func length(of path: String) throws -> Int {
    // A pipe that nobody writes to would keep the caller waiting; it has no length.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw Failure("opened", path) }
    defer { close(file) }
    let length = lseek(file, 0, SEEK_END)
    guard length >= 0 else { throw Failure("measured", path) }
    return length
  }

  private static func fill(_ file: Int32, with bytes: [UInt8], _ path: String) throws {
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure("written", path)
      }
      written += count
    }
  }

  /// So that the rename itself is on disk.
  private static func flushFolder(of path: String) throws {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw Failure("opened", folder) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw Failure("flushed", folder) }
  }
}
