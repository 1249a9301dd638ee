/// What a daemon says to its service manager in one datagram (sd_notify(3)).
package struct NotifyMessage: Sendable, Hashable {
  package var isReady = false
  package var isStopping = false
  /// `WATCHDOG=1`: it is alive.
  package var isAlive = false
  package var status: String?
  /// `EXTEND_TIMEOUT_USEC=`: it is at work, and says so again within this time. At most `longestExtension`.
  package var extend: Duration?

  package static let longestExtension = Duration.seconds(3_600)
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
        if let text = Self.value(of: "STATUS", in: line) {
          status = String(text)
        } else if let text = Self.value(of: "EXTEND_TIMEOUT_USEC", in: line) {
          extend = Int64(text).flatMap { $0 > 0 ? min(.microseconds($0), Self.longestExtension) : nil }
        }
      }
    }
  }

  private static func value(of name: String, in line: Substring) -> Substring? {
    line.hasPrefix("\(name)=") ? line.dropFirst(name.utf8.count + 1) : nil
  }
}
