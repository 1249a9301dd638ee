import DaemonKit
@preconcurrency import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A private `NOTIFY_SOCKET` for one run of one child (sd_notify(3)): a new one for each run, so that what an earlier
/// process said cannot be taken for the word of the next.
final class NotifySocket: Sendable {
  let path: String
  /// Ends when the socket is closed. Of more than 256 that wait, the oldest are dropped.
  let messages: AsyncStream<NotifyMessage>
  private let source: any DispatchSourceRead

  /// Throws `SystemError` when it cannot be bound. `path`: at most 107 bytes (unix(7)).
  init(path: String) throws {
    self.path = path
    let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { throw SystemError("socket", errno) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < capacity else {
      close(descriptor)
      throw SystemError("bind \(path)", ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      let cause = errno
      close(descriptor)
      throw SystemError("bind \(path)", cause)
    }
    let (stream, continuation) = AsyncStream.makeStream(
      of: NotifyMessage.self, bufferingPolicy: .bufferingNewest(256))
    messages = stream
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
    source.setEventHandler {
      while let message = Self.receive(descriptor) { continuation.yield(message) }
    }
    source.setCancelHandler {
      // What was sent just before the end still counts.
      while let message = Self.receive(descriptor) { continuation.yield(message) }
      continuation.finish()
      close(descriptor)
    }
    source.resume()
  }

  func end() {
    source.cancel()
    unlink(path)
  }

  private static func receive(_ descriptor: Int32) -> NotifyMessage? {
    var buffer = [UInt8](repeating: 0, count: NotifyMessage.maximumSize)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count >= 0 ? NotifyMessage(datagram: buffer[..<count]) : nil
  }
}

/// A failed system call, in words.
struct SystemError: Error, CustomStringConvertible {
  let what: String
  let code: Int32

  init(_ what: String, _ code: Int32) {
    self.what = what
    self.code = code
  }

  var description: String { "\(what): \(String(cString: strerror(code)))" }
}
