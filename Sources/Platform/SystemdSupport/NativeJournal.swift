import CSystemd

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The journal of this machine, by its own protocol (sd_journal_sendv(3)).
package enum NativeJournal {
  private static let socket = "/run/systemd/journal/socket"

  /// Whether `descriptor` is the stream that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)), so
  /// that what is written there ends up in the journal anyway.
  package static func isStream(_ descriptor: Int32, environment: [String: String]) -> Bool {
    guard let parts = environment["JOURNAL_STREAM"]?.split(separator: ":"), parts.count == 2 else {
      return false
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return false }
    return parts[0] == String(status.st_dev) && parts[1] == String(status.st_ino)
  }

  /// Whether there is a journal to send to. Without its socket libsystemd drops entries in silence.
  package static var isReachable: Bool { access(socket, W_OK) == 0 }

  /// Sends one entry: assignments `FIELD=value` one after another in `bytes`, each up to one of `ends`. 0, or
  /// an errno. Blocks while journald does not read.
  package static func send(_ bytes: [UInt8], ends: [Int]) -> Int32 {
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return EINVAL }
      let start = UnsafeMutableRawPointer(mutating: base)
      var vectors: [iovec] = []
      vectors.reserveCapacity(ends.count)
      var from = 0
      for end in ends {
        vectors.append(iovec(iov_base: start + from, iov_len: end - from))
        from = end
      }
      return -sd_journal_sendv(vectors, Int32(vectors.count))
    }
  }
}
