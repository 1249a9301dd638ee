import ArgumentParser
import OrderDomain
import OrderWire

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
    commandName: "submit", abstract: "Submit an order, or a batch of them, and print what became of it.")

  @Argument(help: "A file with the order as JSON (see examples/order.json); - for standard input.")
  var file: String?
  @Option(help: "Instead: a file with an order in each line (NDJSON); - for standard input.")
  var batch: String?
  @Option(name: .customLong("wait"), help: "Wait until the order is in this state.")
  var target: OrderState?
  @Option(help: "The same key again gives the same order. Default: a new one.")
  var idempotencyKey: String?
  @Option(help: "How long to wait in all, e.g. 500ms, 30s, 2m. Default: 30s; 1h for a batch.")
  var timeout: DurationArgument?
  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (file == nil) != (batch == nil) else {
      throw ValidationError("give one file with an order, or --batch with a file of many")
    }
    guard batch == nil || target == nil else { throw ValidationError("--wait is not for batches") }
    if let key = idempotencyKey,
      key.isEmpty || key.utf8.count > (batch == nil ? 128 : 120)
        || key.utf8.contains(where: { $0 < 0x21 || $0 > 0x7E })
    {
      throw ValidationError(
        "--idempotency-key must be 1 to 128 (120 for a batch) printable ASCII characters, no spaces")
    }
  }

  func run() async throws {
    try await reportingFailures {
      // Always a key: a POST whose answer got lost can be told from a second order.
      let key = idempotencyKey ?? UUID().uuidString.lowercased()
      if let batch {
        return try await BatchSubmit.run(
          batch, key: key, timeout: timeout?.duration ?? .seconds(3_600), server, output.format)
      }
      let document = try OrderFile.bytes(of: file ?? "-")
      let timeout = timeout?.duration ?? .seconds(30)
      let clock = ContinuousClock()
      let deadline = clock.now + timeout
      try await OrdersClient.with(server) { client in
        let submission: Submission
        do {
          submission = try await client.submit(document, key: key, timeout: timeout)
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
  private static let maximumSize = OrderDocument.maximumSize

  /// The file's bytes as they are: what is wrong inside is the server's to say. Throws a usage failure for a file
  /// that is missing, too large or not JSON at all.
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
