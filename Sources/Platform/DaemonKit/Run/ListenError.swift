import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A socket could not be bound.
package struct ListenError: Error, CustomStringConvertible {
  package let what: String
  package let endpoint: NetworkEndpoint
  /// The setting that moves it.
  package let setting: String
  package let cause: any Error

  package init(what: String, endpoint: NetworkEndpoint, setting: String, cause: any Error) {
    self.what = what
    self.endpoint = endpoint
    self.setting = setting
    self.cause = cause
  }

  package var description: String {
    let reason = "\(cause)"
    if (cause as? IOError)?.errnoCode == EADDRINUSE || reason.contains("Address already in use")
      || reason.contains("errno: \(EADDRINUSE)")
    {
      return
        "\(what): \(endpoint) is already in use; stop what listens there (ss -ltnp 'sport = :\(endpoint.port)') "
        + "or set \(setting)"
    }
    return "\(what): cannot listen on \(endpoint): \(reason)"
  }
}
