import Foundation

/// A stranger's socket on the election's group: hears what the executors say and sends what they should not take.
final class ElectionSocket {
  private let descriptor: Int32
  private var group: sockaddr_in

  /// `port`: the election's. On the loopback interface, as the clusters of these tests are.
  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    group = sockaddr_in()
    group.sin_family = sa_family_t(AF_INET)
    group.sin_port = in_port_t(UInt16(port).bigEndian)
    group.sin_addr.s_addr = inet_addr("239.255.77.77")
    let loopback = in_addr(s_addr: inet_addr("127.0.0.1"))
    try set(SOL_SOCKET, SO_REUSEADDR, Int32(1))
    try set(Int32(IPPROTO_IP), IP_MULTICAST_IF, loopback)
    try set(Int32(IPPROTO_IP), IP_MULTICAST_LOOP, Int32(1))
    // Nobody waits for ever for a datagram.
    try set(SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: 5, tv_usec: 0))
    let bound = withAddress { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    guard bound == 0 else { throw IntegrationError("cannot bind the election's group: errno \(errno)") }
    try set(
      Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, ip_mreq(imr_multiaddr: group.sin_addr, imr_interface: loopback))
  }

  deinit { close(descriptor) }

  /// The next datagram that anybody sends.
  func receive() throws -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 2_048)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count > 0 else { throw IntegrationError("no datagram within 5 s: errno \(errno)") }
    return Array(buffer.prefix(count))
  }

  /// False when the kernel had no room for it.
  func send(_ datagram: [UInt8]) -> Bool {
    let sent = withAddress {
      sendto(descriptor, datagram, datagram.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
    return sent == datagram.count
  }

  private func withAddress<Value>(_ body: (UnsafePointer<sockaddr>) -> Value) -> Value {
    withUnsafePointer(to: group) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) } }
  }

  private func set<Option: BitwiseCopyable>(_ level: Int32, _ name: Int32, _ option: Option) throws {
    var option = option
    guard setsockopt(descriptor, level, name, &option, socklen_t(MemoryLayout<Option>.size)) == 0 else {
      throw IntegrationError("setsockopt \(level) \(name): errno \(errno)")
    }
  }
}
