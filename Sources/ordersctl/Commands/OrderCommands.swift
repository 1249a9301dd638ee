import ArgumentParser
import OrderDomain

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

struct SubmitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Submit an order and print what became of it.")

  @Argument(help: "A file with the order as JSON (see examples/order.json); - for standard input.")
  var file: String
  @Option(name: .customLong("wait"), help: "Wait until the order is in this state.")
  var target: OrderState?
  @Option(help: "The same key again gives the same order. Default: a new one.")
  var idempotencyKey: String?
  @Option(help: "How long to wait in all, e.g. 500ms, 30s, 2m.")
  var timeout = DurationArgument(.seconds(30))
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let key = idempotencyKey,
      key.isEmpty || key.utf8.count > 128 || key.utf8.contains(where: { $0 < 0x21 || $0 > 0x7E })
    {
      throw ValidationError("--idempotency-key must be 1 to 128 printable ASCII characters without spaces")
    }
  }

  func run() async throws {
    try await reportingFailures {
      let document = try OrderFile.bytes(of: file)
      // Always a key: a POST whose answer got lost can be told from a second order.
      let key = idempotencyKey ?? UUID().uuidString.lowercased()
      let clock = ContinuousClock()
      let deadline = clock.now + timeout.duration
      try await OrdersClient.with(server) { client in
        let submission: Submission
        do {
          submission = try await client.submit(document, key: key, timeout: timeout.duration)
        } catch let failure as Failure where failure.exit == Exit.timedOut || failure.exit == Exit.unavailable
        {
          throw Failure(
            failure.exit, failure.message + "\nto try again without ordering twice: --idempotency-key \(key)")
        }
        var answer = submission.answer
        if answer.isReplay && !submission.wasRepeated {
          tell("the order had been submitted before with this idempotency key")
        }
        let order = try answer.decode(OrderModel.self)
        if let target, let state = order.orderState, WaitResult.of(state, waitingFor: target) == .goOn {
          answer = try await client.wait(
            for: order.orderId, until: target, timeout: clock.now.duration(to: deadline))
        }
        try finish(answer, target: target, output)
      }
    }
  }
}

struct GetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "get", abstract: "Print one order.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        let answer = try await client.get("/v1/orders/\(id.text)")
        let order = try answer.decode(OrderModel.self)
        try Printer(format: output.format).object(
          order.fields, name: order.name, json: try answer.decode(JSONValue.self))
      }
    }
  }
}

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Print orders, newest first.")

  @Option(help: "Only orders in this state.")
  var state: OrderState?
  @Option(help: "At most this many, 1 to 200.")
  var limit = 50
  @Option(help: "Go on from where a list ended (its 'next').")
  var cursor: String?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...200).contains(limit) else {
      throw ValidationError("--limit must be a whole number from 1 to 200")
    }
  }

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        var path = "/v1/orders?limit=\(limit)"
        if let state { path += "&state=\(state.rawValue)" }
        if let cursor { path += "&cursor=\(percentEncoded(cursor))" }
        let answer = try await client.get(path)
        let page = try answer.decode(OrderListModel.self)
        try Printer(format: output.format).list(page.orders, json: try answer.decode(JSONValue.self))
        if let next = page.next { tell("there are more: --cursor \(next)") }
      }
    }
  }
}

struct WaitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait", abstract: "Wait until an order is in a state, and print it.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @Option(name: .customLong("for"), help: "The state to wait for.")
  var target: OrderState
  @Option(help: "How long to wait, e.g. 500ms, 30s, 2m.")
  var timeout = DurationArgument(.seconds(30))
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        let answer = try await client.wait(for: id.text, until: target, timeout: timeout.duration)
        try finish(answer, target: target, output)
      }
    }
  }
}

struct TraceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Print what happened to an order, in order, with its vector clocks.")

  @Argument(help: "The order's id.")
  var id: OrderIDArgument
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reportingFailures {
      try await OrdersClient.with(server) { client in
        let answer = try await client.get("/v1/orders/\(id.text)/events")
        let timeline = try answer.decode(TimelineModel.self)
        try Printer(format: output.format).list(timeline.entries, json: try answer.decode(JSONValue.self))
      }
    }
  }
}

extension TimelineModel.Entry: ListRow {
  static let header = [
    Column("#", right: true), Column("TIME"), Column("ACTOR"), Column("EVENT"), Column("STATE"),
    Column("REASON"),
    Column("CLOCK"),
  ]

  var row: [String] {
    let clock = (clock ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(
      separator: " ")
    return [String(sequence), at, actor, event ?? "", state ?? "", reason ?? "", clock]
  }

  var name: String { "entry/\(sequence)" }
}

/// An order's id as it is typed: whatever can stand in a URL's path. The server judges the rest.
struct OrderIDArgument: ExpressibleByArgument {
  let text: String

  init?(argument: String) {
    let text = argument.hasPrefix("order/") ? String(argument.dropFirst("order/".count)) : argument
    guard !text.isEmpty, text.utf8.count <= 64,
      text.utf8.allSatisfy({
        ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D
      })
    else { return nil }
    self.text = text
  }
}

/// Where an order comes from.
enum OrderFile {
  /// Bytes; what the server takes at the most.
  private static let maximumSize = 1 << 20

  /// The file's bytes as they are: what is wrong inside is the server's to say. Throws a usage failure for a file that
  /// is missing, too large or not JSON at all.
  static func bytes(of path: String) throws -> Data {
    let name = path == "-" ? "standard input" : path
    let data: Data
    do {
      data = try path == "-" ? standardInput() : Data(contentsOf: URL(fileURLWithPath: path))
    } catch let failure as Failure {
      throw failure
    } catch {
      throw Failure(Exit.usage, "\(name): cannot be read (\(reason(path)))")
    }
    guard data.count <= maximumSize else {
      throw Failure(Exit.usage, "\(name): is too large; an order may have \(maximumSize) bytes")
    }
    guard !data.isEmpty else { throw Failure(Exit.usage, "\(name): is empty; it must hold an order as JSON") }
    do {
      _ = try JSONDecoder().decode(JSONValue.self, from: data)
    } catch {
      throw Failure(Exit.usage, "\(name): is not JSON (see examples/order.json)")
    }
    return data
  }

  /// One byte more than is allowed at the most, so that too much is noticed.
  private static func standardInput() throws -> Data {
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 64 * 1_024)
    while data.count <= maximumSize {
      let count = read(0, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw Failure(Exit.usage, "standard input: cannot be read (\(String(cString: strerror(errno))))")
      }
      if count == 0 { break }
      data.append(contentsOf: buffer[..<count])
    }
    return data
  }

  private static func reason(_ path: String) -> String {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      return "no such file"
    }
    if isDirectory { return "is a directory" }
    return FileManager.default.isReadableFile(atPath: path) ? "an I/O error" : "permission denied"
  }
}

/// RFC 3986: everything but unreserved characters.
private func percentEncoded(_ text: String) -> String {
  let digits = Array("0123456789ABCDEF")
  return text.utf8.map { byte in
    let isLetter = byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
    if isLetter || (byte >= 0x30 && byte <= 0x39) || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte) {
      return String(UnicodeScalar(byte))
    }
    return "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
  }.joined()
}
