import CSystemd
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A listening socket that was made by somebody else, so that it goes on taking connections while the role
/// restarts.
package struct PassedSocket: Sendable, Hashable {
  package let descriptor: Int32
  /// Where it listens.
  package let host: String
  package let port: Int

  /// Nil for what is no bound socket of the internet families.
  package init?(descriptor: Int32) {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = Int32(address.ss_family)
    let port: in_port_t? = withUnsafePointer(to: &address) { pointer in
      switch family {
      case AF_INET:
        pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { pointer in
          var host = pointer.pointee.sin_addr
          return inet_ntop(AF_INET, &host, &text, socklen_t(text.count)) == nil
            ? nil : pointer.pointee.sin_port
        }
      case AF_INET6:
        pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
          var host = pointer.pointee.sin6_addr
          return inet_ntop(AF_INET6, &host, &text, socklen_t(text.count)) == nil
            ? nil : pointer.pointee.sin6_port
        }
      default: nil
      }
    }
    guard let port else { return nil }
    self.descriptor = descriptor
    host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.port = Int(UInt16(bigEndian: port))
  }

  /// Does not listen there any more on behalf of this process.
  package func close() { _ = closeDescriptor(descriptor) }
}

/// close(2), which is hidden by the method of the same name above.
private func closeDescriptor(_ descriptor: Int32) -> Int32 { close(descriptor) }

/// The sockets that systemd passed to this process, by the name that the .socket unit gives them
/// (sd_listen_fds(3)).
package final class PassedSockets: Sendable {
  private let sockets: Mutex<[String: PassedSocket]>

  package init(_ sockets: [String: PassedSocket] = [:]) { self.sockets = Mutex(sockets) }

  /// Those of the environment, which does not name them any more afterwards. To be called once, before
  /// threads look at the environment.
  package static func ofEnvironment() -> PassedSockets {
    var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    let count = sd_listen_fds_with_names(1, &names)
    guard count > 0, let names else { return PassedSockets() }
    defer { free(names) }
    var sockets: [String: PassedSocket] = [:]
    for index in 0..<Int(count) {
      guard let name = names[index] else { continue }
      defer { free(name) }
      sockets[String(cString: name)] = PassedSocket(descriptor: SD_LISTEN_FDS_START + Int32(index))
    }
    return PassedSockets(sockets)
  }

  /// The socket of this name, which is the caller's from now on.
  package func take(_ name: String) -> PassedSocket? {
    sockets.withLock { $0.removeValue(forKey: name) }
  }
}
