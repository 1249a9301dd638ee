import NIOCore

/// The socket options of IP multicast that NIO has no names for, set and read back (ip(7)).
///
/// NIO's `joinGroup` refuses the loopback interface, which has no multicast flag, though the kernel takes it.
enum MulticastOptions {
  /// Linux, `<linux/in.h>`: IP_ADD_MEMBERSHIP.
  private static let addMembership = NIOBSDSocket.Option(rawValue: 35)
  /// Linux, `<linux/in.h>`: IP_MULTICAST_ALL. On by default: a socket hears the groups that *others* joined.
  private static let multicastAll = NIOBSDSocket.Option(rawValue: 49)

  /// `struct ip_mreq`: two addresses in network order.
  private struct Membership: Sendable {
    var group: UInt32
    var interface: UInt32
  }

  /// Pins `channel` to `interface`, TTL 1, own datagrams looped back, nothing but `group` heard.
  static func apply(to channel: any Channel, group: IPv4, interface: IPv4) -> EventLoopFuture<Void> {
    let loop = channel.eventLoop
    guard let socket = channel as? any SocketOptionProvider else {
      return loop.makeFailedFuture(
        TransportError(code: .optionRefused, message: "this channel has no socket options"))
    }
    let wanted = interface.networkOrder
    let membership = Membership(group: group.networkOrder, interface: wanted)
    return set(socket, loop, multicastAll, CInt(0), "IP_MULTICAST_ALL")
      .flatMap { set(socket, loop, .ip_multicast_if, wanted, "IP_MULTICAST_IF") }
      .flatMap { set(socket, loop, .ip_multicast_ttl, UInt8(1), "IP_MULTICAST_TTL") }
      .flatMap { set(socket, loop, .ip_multicast_loop, UInt8(1), "IP_MULTICAST_LOOP") }
      .flatMap {
        socket.unsafeSetSocketOption(
          level: NIOBSDSocket.OptionLevel.ip, name: addMembership, value: membership)
      }
      .flatMapErrorThrowing { error in
        if error is TransportError { throw error }
        throw TransportError(
          code: .cannotJoin,
          message: "cannot use the multicast group on this interface; is its address one of this machine's?",
          cause: error)
      }
  }

  private static func set<Value: Sendable & Equatable>(
    _ socket: any SocketOptionProvider, _ loop: any EventLoop, _ option: NIOBSDSocket.Option, _ value: Value,
    _ name: String
  ) -> EventLoopFuture<Void> {
    socket.unsafeSetSocketOption(level: NIOBSDSocket.OptionLevel.ip, name: option, value: value).flatMap {
      let kept: EventLoopFuture<Value> = socket.unsafeGetSocketOption(
        level: NIOBSDSocket.OptionLevel.ip, name: option)
      return kept.flatMapThrowing { kept in
        guard kept == value else {
          throw TransportError(code: .optionRefused, message: "the kernel did not keep \(name)")
        }
      }
    }
  }
}
