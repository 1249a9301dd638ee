/// What a daemon says to its service manager in one datagram (sd_notify(3)).
package struct NotifyMessage: Sendable, Hashable {
  package var isReady = false
  package var isStopping = false
  /// `WATCHDOG=1`: it is alive.
  package var isAlive = false
  package var status: String?

  /// Longest datagram that is looked at, in bytes.
  package static let maximumSize = 4_096

  package init() {}

  /// Assignments that mean nothing to a development supervisor are passed over.
  package init(datagram: some Collection<UInt8>) {
    let text = String(decoding: datagram.prefix(Self.maximumSize), as: UTF8.self)
    for line in text.split(separator: "\n") {
      switch line {
      case "READY=1": isReady = true
      case "STOPPING=1": isStopping = true
      case "WATCHDOG=1": isAlive = true
      default:
        if line.hasPrefix("STATUS=") { status = String(line.dropFirst("STATUS=".count)) }
      }
    }
  }
}
