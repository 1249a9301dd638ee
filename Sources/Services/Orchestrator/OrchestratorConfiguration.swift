package import CheckoutFlow
package import DaemonKit
package import PeerCalls

/// Settings of the orchestrator.
package struct OrchestratorConfiguration: Sendable {
  /// Where REST and the page are served.
  package var server: NetworkEndpoint
  package var admin: NetworkEndpoint
  package var transactionVerification: NetworkEndpoint
  package var fraudDetection: NetworkEndpoint
  package var suggestions: NetworkEndpoint
  package var orderQueue: NetworkEndpoint
  /// The folder of `orders.db` and `fingerprint.key`.
  package var stateFolder: String
  /// Nil = the built-in catalog.
  package var catalogPath: String?
  package var deadlines: CheckoutDeadlines
  /// Orders being checked at a time; beyond it new ones are refused with 503.
  package var maximumInFlight: Int
  /// Approved orders that may wait for the order-queue; beyond it new ones are refused with 503.
  package var maximumBacklog: Int
  /// How often a failed call of a check is tried again within the order's deadline.
  package var retries: Int
  /// When calls of a peer are refused without being made.
  package var circuit: CircuitBreaker.Settings
  /// What a failure of these does to an order; suggestions only ever degrade the answer.
  package var verificationFailure: FailurePolicy
  package var fraudFailure: FailurePolicy
  /// From the first failure of a held order to its rejection.
  package var maximumHold: Duration
  /// Orders held at a time; beyond it they are rejected.
  package var maximumHeld: Int
  /// Reverse proxies whose word on the client's address is taken.
  package var trustedProxies: TrustedProxies

  package init(reader: SettingsReader, environment: [String: String]) {
    let bind = reader.string("bind", default: "127.0.0.1", "Address that servers listen on.")
    server = NetworkEndpoint(
      host: bind, port: reader.port("orchestrator.port", default: 8081, "Port of REST and the page."))
    admin = NetworkEndpoint(
      host: bind,
      port: reader.port("orchestrator.admin-port", default: 9081, "Port of /live, /ready, /metrics."))
    transactionVerification = reader.endpoint(
      "transaction-verification.endpoint", defaultPort: 50052, "Where transaction-verification is reached.")
    fraudDetection = reader.endpoint(
      "fraud-detection.endpoint", defaultPort: 50051, "Where fraud-detection is reached.")
    suggestions = reader.endpoint("suggestions.endpoint", defaultPort: 50053, "Where suggestions is reached.")
    orderQueue = reader.endpoint("order-queue.endpoint", defaultPort: 50055, "Where order-queue is reached.")
    stateFolder = StateFolder.path(reader: reader, role: "orchestrator", environment: environment)
    catalogPath = reader.optionalString("catalog", "The catalog file; none = the built-in example catalog.")
    deadlines = CheckoutDeadlines(
      order: reader.duration(
        "orchestrator.order-deadline", default: .seconds(2), in: .milliseconds(100)...(.seconds(60)),
        "From the arrival of an order to its decision."),
      advisory: reader.duration(
        "orchestrator.suggestions-deadline", default: .milliseconds(250),
        in: .milliseconds(10)...(.seconds(10)),
        "How long a decision waits for suggestions."))
    maximumInFlight = reader.integer(
      "orchestrator.max-in-flight", default: 256, in: 1...10_000, "Orders checked at a time before 503.")
    maximumBacklog = reader.integer(
      "orchestrator.max-backlog", default: 10_000, in: 1...1_000_000,
      "Approved orders that wait for the order-queue before 503.")
    retries = reader.integer(
      "orchestrator.retries", default: 4, in: 0...10,
      "Further tries of a failed call within the order's deadline.")
    let pause = reader.duration(
      "orchestrator.circuit-pause", default: .milliseconds(500), in: .milliseconds(50)...(.seconds(60)),
      "How long an open circuit refuses before the first probe; doubles up to four times as much.")
    circuit = CircuitBreaker.Settings(
      failures: reader.integer(
        "orchestrator.circuit-failures", default: 10, in: 1...1_000,
        "Failures of a peer in a row after which its calls are refused at once (its circuit opens)."),
      pause: pause, longestPause: pause * 4, probes: 2)
    verificationFailure = reader.choice(
      "orchestrator.verification-failure", default: .reject,
      "What becomes of an order that transaction-verification cannot check: rejected for the client to try again, "
        + "or held and tried again by the orchestrator.")
    fraudFailure = reader.choice(
      "orchestrator.fraud-failure", default: .reject, "The same for fraud-detection.")
    maximumHold = reader.duration(
      "orchestrator.max-hold", default: .seconds(600), in: .seconds(1)...(.seconds(86_400)),
      "How long a held order is tried again before it is rejected.")
    maximumHeld = reader.integer(
      "orchestrator.max-held", default: 1_000, in: 1...100_000,
      "Orders held at a time; further ones are rejected.")
    trustedProxies = TrustedProxies()
    do {
      trustedProxies = try TrustedProxies(
        reader.list(
          "orchestrator.trusted-proxies", default: [],
          "Addresses of reverse proxies whose X-Forwarded-For tells where an order comes from; none = the header is "
            + "ignored."))
    } catch {
      reader.report("orchestrator.trusted-proxies", "'\(error.text.prefix(80))' is not an IP address")
    }
  }
}
