package import GRPCCore

/// An error as it crosses a process boundary: a stable code, a sentence for a person, and what can be done.
package struct ServiceError: Error, Sendable, CustomStringConvertible {
  package var code: ErrorCode
  package var message: String
  /// Which service could not do its part; nil when it is the one that was asked.
  package var service: String?
  /// When trying again makes sense.
  package var retryAfter: Duration?
  /// More about it, by name: both epochs of a fence, the holder …
  package var details: [String: String]

  package init(
    _ code: ErrorCode, _ message: String, service: String? = nil, retryAfter: Duration? = nil,
    details: [String: String] = [:]
  ) {
    self.code = code
    self.message = message
    self.service = service
    self.retryAfter = retryAfter
    self.details = details
  }

  /// Whether the same call can succeed later.
  package var isRetryable: Bool { code.disposition.isRetryable }

  package var description: String { "\(code.rawValue): \(message)" }
}

/// A stable, machine-readable code. Open-ended: a newer peer may send one that is not listed here.
package struct ErrorCode: RawRepresentable, Sendable, Hashable {
  package let rawValue: String

  package init(rawValue: String) { self.rawValue = rawValue }

  package static let invalidArgument = ErrorCode(rawValue: "invalid_argument")
  package static let malformedBody = ErrorCode(rawValue: "malformed_body")
  package static let bodyTooLarge = ErrorCode(rawValue: "body_too_large")
  package static let headersTooLarge = ErrorCode(rawValue: "headers_too_large")
  package static let unsupportedMediaType = ErrorCode(rawValue: "unsupported_media_type")
  package static let notFound = ErrorCode(rawValue: "not_found")
  package static let methodNotAllowed = ErrorCode(rawValue: "method_not_allowed")
  package static let conflict = ErrorCode(rawValue: "conflict")
  package static let idempotencyKeyReused = ErrorCode(rawValue: "idempotency_key_reused")
  package static let fenced = ErrorCode(rawValue: "fenced")
  package static let notLeased = ErrorCode(rawValue: "not_leased")
  package static let overloaded = ErrorCode(rawValue: "overloaded")
  package static let serviceUnavailable = ErrorCode(rawValue: "service_unavailable")
  package static let deadlineExceeded = ErrorCode(rawValue: "deadline_exceeded")
  package static let requestTimeout = ErrorCode(rawValue: "request_timeout")
  package static let cancelled = ErrorCode(rawValue: "cancelled")
  package static let storageUnavailable = ErrorCode(rawValue: "storage_unavailable")
  package static let stopping = ErrorCode(rawValue: "stopping")
  package static let `internal` = ErrorCode(rawValue: "internal")

  /// All codes that this version sends.
  package static let all: [ErrorCode] = [
    .invalidArgument, .malformedBody, .bodyTooLarge, .headersTooLarge, .unsupportedMediaType, .notFound,
    .methodNotAllowed, .conflict,
    .idempotencyKeyReused, .fenced, .notLeased, .overloaded, .serviceUnavailable, .deadlineExceeded,
    .requestTimeout,
    .cancelled,
    .storageUnavailable, .stopping, .internal,
  ]
}

/// What a code means in each protocol: the one table.
package struct ErrorDisposition: Sendable, Hashable {
  package let grpc: RPCError.Code
  /// RFC 9110.
  package let http: Int
  /// Of `ordersctl`: 1 failed, 4 not found, 5 unavailable, 6 timed out, 7 conflict, 64 usage.
  package let exit: Int32
  package let isRetryable: Bool
}

extension ErrorCode {
  package var disposition: ErrorDisposition {
    switch self {
    case .invalidArgument: .init(grpc: .invalidArgument, http: 422, exit: 64, isRetryable: false)
    case .malformedBody: .init(grpc: .invalidArgument, http: 400, exit: 64, isRetryable: false)
    case .bodyTooLarge: .init(grpc: .invalidArgument, http: 413, exit: 64, isRetryable: false)
    case .headersTooLarge: .init(grpc: .invalidArgument, http: 431, exit: 64, isRetryable: false)
    case .unsupportedMediaType: .init(grpc: .invalidArgument, http: 415, exit: 64, isRetryable: false)
    case .notFound: .init(grpc: .notFound, http: 404, exit: 4, isRetryable: false)
    case .methodNotAllowed: .init(grpc: .unimplemented, http: 405, exit: 64, isRetryable: false)
    case .conflict: .init(grpc: .failedPrecondition, http: 409, exit: 7, isRetryable: false)
    case .idempotencyKeyReused: .init(grpc: .alreadyExists, http: 422, exit: 7, isRetryable: false)
    case .fenced: .init(grpc: .failedPrecondition, http: 409, exit: 7, isRetryable: false)
    case .notLeased: .init(grpc: .failedPrecondition, http: 409, exit: 7, isRetryable: false)
    case .overloaded: .init(grpc: .resourceExhausted, http: 503, exit: 5, isRetryable: true)
    case .serviceUnavailable: .init(grpc: .unavailable, http: 503, exit: 5, isRetryable: true)
    case .deadlineExceeded: .init(grpc: .deadlineExceeded, http: 504, exit: 6, isRetryable: true)
    case .requestTimeout: .init(grpc: .deadlineExceeded, http: 408, exit: 6, isRetryable: true)
    case .cancelled: .init(grpc: .cancelled, http: 503, exit: 5, isRetryable: true)
    case .storageUnavailable: .init(grpc: .unavailable, http: 503, exit: 5, isRetryable: true)
    case .stopping: .init(grpc: .unavailable, http: 503, exit: 5, isRetryable: true)
    default: .init(grpc: .internalError, http: 500, exit: 1, isRetryable: false)
    }
  }
}
