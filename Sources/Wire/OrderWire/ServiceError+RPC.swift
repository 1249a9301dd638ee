package import GRPCCore

// How a ServiceError crosses gRPC: the status code of the table, and metadata that starts with `ordersd-`.

private let codeKey = "ordersd-code"
private let serviceKey = "ordersd-service"
private let retryKey = "ordersd-retry-after-ms"
private let detailPrefix = "ordersd-detail-"

extension RPCError {
  package init(_ error: ServiceError) {
    var metadata: Metadata = [codeKey: .string(error.code.rawValue)]
    if let service = error.service { metadata.addString(service, forKey: serviceKey) }
    if let after = error.retryAfter {
      metadata.addString(
        String(after.components.seconds * 1_000 + after.components.attoseconds / 1_000_000_000_000_000),
        forKey: retryKey)
    }
    for (name, value) in error.details { metadata.addString(value, forKey: detailPrefix + name) }
    self.init(code: error.code.disposition.grpc, message: error.message, metadata: metadata)
  }
}

extension ServiceError {
  /// What a failed call of `service` means. A status without our metadata is mapped by its code.
  package init(_ error: RPCError, service: String) {
    let sent = error.metadata[stringValues: codeKey].first { _ in true }
    let code = sent.map(ErrorCode.init(rawValue:)) ?? Self.code(of: error.code)
    self.init(
      code, error.message, service: error.metadata[stringValues: serviceKey].first { _ in true } ?? service)
    if let text = error.metadata[stringValues: retryKey].first(where: { _ in true }), let after = Int64(text)
    {
      retryAfter = .milliseconds(after)
    }
    for (key, value) in error.metadata where key.hasPrefix(detailPrefix) {
      if case .string(let text) = value { details[String(key.dropFirst(detailPrefix.count))] = text }
    }
  }

  private static func code(of status: RPCError.Code) -> ErrorCode {
    switch status {
    case .invalidArgument, .outOfRange: .invalidArgument
    case .notFound: .notFound
    case .deadlineExceeded: .deadlineExceeded
    case .cancelled: .cancelled
    case .resourceExhausted: .overloaded
    case .failedPrecondition, .aborted, .alreadyExists: .conflict
    case .unavailable: .serviceUnavailable
    default: .internal
    }
  }
}
