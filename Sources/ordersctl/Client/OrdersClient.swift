import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// An answer of the REST interface: the document as it came, to be decoded as often as needed.
struct Answer {
  let status: Int
  let body: Data
  let isReplay: Bool

  func decode<Model: Decodable>(_ model: Model.Type) throws -> Model {
    do {
      return try JSONDecoder().decode(model, from: body)
    } catch {
      throw Failure(
        Exit.failed, "the server's answer is not the document that this version expects: \(error)")
    }
  }
}

/// The REST interface of the orchestrator. Every failure becomes a `Failure` with its exit code.
struct OrdersClient {
  /// Bytes of one answer.
  private static let maximumAnswer = 16 << 20

  let server: String
  private let http: HTTPClient

  /// Runs `body` with a client that is shut down afterwards.
  static func with<Result>(
    _ options: ServerOptions, _ body: (OrdersClient) async throws -> Result
  ) async throws -> Result {
    let server = try options.url()
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.timeout.connect = .seconds(3)
    // A refused connection is an answer; trying again is the user's choice.
    configuration.connectionPool.retryConnectionEstablishment = false
    let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    do {
      let result = try await body(OrdersClient(server: server, http: http))
      try await http.shutdown()
      return result
    } catch {
      // The first failure is the one to tell.
      try? await http.shutdown()
      throw error
    }
  }

  func get(_ path: String, timeout: Duration = .seconds(10)) async throws -> Answer {
    try await send(HTTPClientRequest(url: server + path), timeout: timeout)
  }

  func post(
    _ path: String, json: Data, headers: [(String, String)] = [], timeout: Duration
  ) async throws -> Answer {
    var request = HTTPClientRequest(url: server + path)
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/json")
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    request.body = .bytes(ByteBuffer(bytes: json))
    return try await send(request, timeout: timeout)
  }

  private func send(_ request: HTTPClientRequest, timeout: Duration) async throws -> Answer {
    let answer = try await exchange(request, timeout: timeout) { response, body in
      try await Self.whole(response, body)
    }
    guard (200..<300).contains(answer.status) else { throw Self.failure(answer) }
    return answer
  }

  /// An answer that is read as it comes, by `body`; a refusal becomes a `Failure` as with any other.
  func stream(
    _ request: HTTPClientRequest, timeout: Duration, _ body: (TimedBody) async throws -> Void
  ) async throws {
    let refusal = try await exchange(request, timeout: timeout) { response, answer -> Answer? in
      guard response.status == .ok else { return try await Self.whole(response, answer) }
      try await body(answer)
      return nil
    }
    if let refusal { throw Self.failure(refusal) }
  }

  private static func whole(_ response: HTTPClientResponse, _ body: TimedBody) async throws -> Answer {
    let body = try await body.collect(upTo: maximumAnswer)
    return Answer(
      status: Int(response.status.code), body: Data(body.readableBytesView),
      isReplay: response.headers.first(name: "idempotency-replayed") == "true")
  }

  /// `timeout`: of the whole exchange, to the end of the body.
  private func exchange<Result>(
    _ request: HTTPClientRequest, timeout: Duration,
    _ body: (HTTPClientResponse, TimedBody) async throws -> Result
  ) async throws -> Result {
    let nanoseconds = max(timeout, .milliseconds(1)).inNanoseconds
    let deadline = ContinuousClock.now + .nanoseconds(nanoseconds)
    var request = request
    request.headers.replaceOrAdd(name: "accept", value: "application/json, application/problem+json")
    request.headers.replaceOrAdd(name: "user-agent", value: "ordersctl")
    do {
      let response = try await http.execute(request, timeout: .nanoseconds(nanoseconds))
      return try await body(response, TimedBody(body: response.body, deadline: deadline))
    } catch let failure as Failure {
      throw failure
    } catch let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout {
      throw Failure(Exit.timedOut, "\(server) did not answer in time")
    } catch is CancellationError {
      throw CancellationError()
    } catch is NIOTooManyBytesError {
      throw Failure(
        Exit.failed,
        "the answer of \(server) is larger than \(Self.maximumAnswer >> 20) MiB; ask for less, as with --limit"
      )
    } catch {
      throw Failure(
        Exit.unavailable,
        "cannot reach \(server) (\(Self.reason(error)))\n"
          + "is it running? 'ordersd up' or 'systemctl start orders.target' starts it; --server names another",
        isBrokenConnection: true)
    }
  }

  private static func reason(_ error: any Error) -> String {
    let text = "\(error)"
    if error is NIOConnectionError || text.contains("onnection refused") {
      return text.contains("refused") ? "connection refused" : "no connection"
    }
    if let error = error as? HTTPClientError, error == .connectTimeout { return "no connection within 3 s" }
    return String(text.prefix(200))
  }

  private static func failure(_ answer: Answer) -> Failure {
    guard let problem = try? JSONDecoder().decode(ProblemModel.self, from: answer.body),
      problem.code != nil || problem.title != nil || problem.detail != nil
    else {
      return Failure(
        answer.status >= 500 ? Exit.unavailable : Exit.failed, "the server answered \(answer.status)")
    }
    var text = problem.detail ?? problem.title ?? "the server answered \(answer.status)"
    if let code = problem.code { text += " (\(code))" }
    for error in problem.errors ?? [] { text += "\n  \(error.field): \(error.message)" }
    if let state = problem.state { text += "\n  state: \(state)" }
    if let holder = problem.holder { text += "\n  holder: \(holder)" }
    if let service = problem.service { text += "\n  service: \(service)" }
    if let order = problem.orderId { text += "\n  order: \(order)" }
    if problem.retryable == true { text += "\n  trying again can help" }
    return Failure(exit(problem, status: answer.status), text)
  }

  private static func exit(_ problem: ProblemModel, status: Int) -> Int32 {
    if let code = problem.code.map(ErrorCode.init(rawValue:)), ErrorCode.all.contains(code) {
      return code.disposition.exit
    }
    // A newer server's code: the status says what kind it is.
    switch status {
    case 404: return ErrorCode.notFound.disposition.exit
    case 409: return ErrorCode.conflict.disposition.exit
    case 400, 405, 413, 415, 422: return Exit.usage
    case 503: return Exit.unavailable
    case 504: return Exit.timedOut
    default: return Exit.failed
    }
  }
}

extension Duration {
  fileprivate var inNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return min(seconds, 1_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
