import GRPCCore
import OrderWire
import Testing

/// The one table of error codes, and how an error crosses gRPC.
struct ErrorCodeTests {
  /// What `default:` gives, for codes that a newer peer sends.
  private static let unlisted = ErrorCode(rawValue: "from_the_future").disposition

  @Test(arguments: ErrorCode.all) func everyCodeHasItsRow(_ code: ErrorCode) {
    #expect((code.disposition == Self.unlisted) == (code == .internal), "\(code.rawValue)")
    #expect((400...599).contains(code.disposition.http))
    #expect(code.disposition.exit != 0)
  }

  @Test func codesAreUniqueAndStable() {
    #expect(Set(ErrorCode.all).count == ErrorCode.all.count)
    for code in ErrorCode.all {
      #expect(code.rawValue.allSatisfy { $0 == "_" || ($0.isASCII && $0.isLowercase) }, "\(code.rawValue)")
    }
  }

  @Test(arguments: ErrorCode.all) func whatCanBeTriedAgainIsAServersFault(_ code: ErrorCode) {
    if code.disposition.isRetryable { #expect(code.disposition.http >= 500 || code == .requestTimeout) }
  }

  @Test(arguments: ErrorCode.all + [ErrorCode(rawValue: "from_the_future")])
  func anErrorCrossesGRPCWhole(_ code: ErrorCode) {
    let error = ServiceError(
      code, "the holder is executor-3", service: "order-queue", retryAfter: .milliseconds(1_250),
      details: ["epoch": "12", "stale-epoch": "11"])
    let back = ServiceError(RPCError(error), service: "peer")
    #expect(back.code == code)
    #expect(back.message == error.message)
    #expect(back.service == "order-queue")
    #expect(back.retryAfter == .milliseconds(1_250))
    #expect(back.details == error.details)
    #expect(back.isRetryable == error.isRetryable)
  }

  @Test func theServiceThatWasAskedIsNamedWhenTheErrorNamesNone() {
    let back = ServiceError(RPCError(ServiceError(.notFound, "no such order")), service: "order-queue")
    #expect(back.service == "order-queue")
    #expect(back.retryAfter == nil)
    #expect(back.details.isEmpty)
  }

  @Test(arguments: [
    (RPCError.Code.unavailable, ErrorCode.serviceUnavailable), (.deadlineExceeded, .deadlineExceeded),
    (.cancelled, .cancelled), (.resourceExhausted, .overloaded), (.notFound, .notFound),
    (.invalidArgument, .invalidArgument), (.failedPrecondition, .conflict), (.unknown, .internal),
    (.unimplemented, .internal),
  ])
  func aStatusWithoutOurMetadataIsMapped(_ status: RPCError.Code, _ code: ErrorCode) {
    #expect(ServiceError(RPCError(code: status, message: "said so"), service: "peer").code == code)
  }
}
