import NIOCore

/// What the kernel says about a socket's buffers: SO_MEMINFO of `<asm-generic/socket.h>`, the figures of
/// `<linux/sock_diag.h>`. Its last one is the column `drops` of /proc/net/udp.
struct SocketMemory: Sendable {
  private static let option = NIOBSDSocket.Option(rawValue: 55)

  private var received: UInt32 = 0
  private var receiveLimit: UInt32 = 0
  private var sent: UInt32 = 0
  private var sendLimit: UInt32 = 0
  private var ahead: UInt32 = 0
  private var queued: UInt32 = 0
  private var options: UInt32 = 0
  private var backlog: UInt32 = 0
  /// Datagrams that the kernel gave up since the socket was opened, nearly always for want of buffer.
  private(set) var drops: UInt32 = 0

  /// Fails where the kernel does not know the option (Linux before 4.12).
  static func read(_ channel: any Channel) -> EventLoopFuture<SocketMemory> {
    guard let socket = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeFailedFuture(
        TransportError(code: .optionRefused, message: "this channel has no socket options"))
    }
    return socket.unsafeGetSocketOption(level: NIOBSDSocket.OptionLevel.socket, name: option)
  }
}
