import AsyncHTTPClient
import Dispatch
import NIOCore
import NIOHTTP1

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

/// What became of one line of a batch, as the server tells it.
struct BatchLineModel: Decodable {
  struct Rejection: Decodable { var code: String }
  struct Summary: Decodable {
    var lines: Int
    var accepted: Int
    var rejected: Int
    var held: Int
    var replayed: Int
    var failed: Int
    var complete: Bool
  }

  var line: Int?
  var status: Int?
  var orderId: String?
  var state: String?
  var replayed: Bool?
  var rejection: Rejection?
  var problem: ProblemModel?
  /// On the last line only.
  var summary: Summary?
}

extension OrdersClient {
  /// Bytes of one line of an answer.
  private static let maximumLine = 1 << 20

  /// Sends `lines` as one batch and calls `body` for each line of the answer as it comes.
  ///
  /// `key`: makes a repeat of the same batch give the same orders.
  func submitBatch(
    _ lines: FileBytes, key: String, timeout: Duration, _ body: (Data, BatchLineModel) throws -> Void
  ) async throws {
    var request = HTTPClientRequest(url: server + "/v1/orders:batch")
    request.method = .POST
    request.headers.add(name: "content-type", value: "application/x-ndjson")
    request.headers.add(name: "idempotency-key", value: key)
    request.body = .stream(lines, length: .unknown)
    try await stream(request, timeout: timeout) { response in
      var rest = Data()
      for try await chunk in response {
        rest.append(contentsOf: chunk.readableBytesView)
        while let end = rest.firstIndex(of: 0x0A) {
          let line = Data(rest[rest.startIndex..<end])
          rest = Data(rest[rest.index(after: end)...])
          do {
            try body(line, try JSONDecoder().decode(BatchLineModel.self, from: line))
          } catch is DecodingError {
            throw Failure(Exit.failed, "the server's answer has a line that this version cannot read")
          }
        }
        guard rest.count <= Self.maximumLine else {
          throw Failure(Exit.failed, "the server's answer has a line without an end")
        }
      }
    }
  }
}

/// The bytes of a file or of standard input, read as they are asked for, apart from the threads of Swift's tasks: the
/// writer of a pipe may take its time.
struct FileBytes: AsyncSequence, Sendable {
  private static let size = 64 << 10
  private let descriptor: Int32
  private let name: String

  /// Throws a usage failure for a file that cannot be read.
  init(path: String) throws {
    name = path == "-" ? "standard input" : path
    descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw ordersctl.Failure(Exit.usage, "\(name): cannot be read (\(String(cString: strerror(errno))))")
    }
  }

  func close() { if descriptor > 0 { _ = Self.closeDescriptor(descriptor) } }

  private static func closeDescriptor(_ descriptor: Int32) -> Int32 {
    #if canImport(Glibc)
      Glibc.close(descriptor)
    #else
      Musl.close(descriptor)
    #endif
  }

  func makeAsyncIterator() -> Iterator { Iterator(descriptor: descriptor, name: name) }

  struct Iterator: AsyncIteratorProtocol {
    fileprivate let descriptor: Int32
    fileprivate let name: String

    mutating func next() async throws -> ByteBuffer? {
      let (descriptor, name) = (descriptor, name)
      return try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
          var bytes = [UInt8](repeating: 0, count: FileBytes.size)
          while true {
            let count = read(descriptor, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 {
              let reason = String(cString: strerror(errno))
              continuation.resume(
                throwing: ordersctl.Failure(Exit.usage, "\(name): cannot be read (\(reason))"))
            } else {
              continuation.resume(returning: count == 0 ? nil : ByteBuffer(bytes: bytes[..<count]))
            }
            return
          }
        }
      }
    }
  }
}
