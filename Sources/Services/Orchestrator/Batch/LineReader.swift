import NIOCore
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Cuts a stream of bytes into lines (NDJSON: UTF-8, each line ends with LF, a CR before it is taken off).
struct LineReader {
  /// What a batch may be.
  struct Limits: Sendable {
    /// Bytes of one line.
    var line = OrderDocument.maximumSize
    /// Lines, empty ones too.
    var lines = 100_000
    /// Bytes of all lines.
    var total = 256 << 20
  }

  /// A line that was cut off the stream.
  enum Piece: Equatable {
    case line(Data)
    /// Longer than allowed; its bytes were dropped.
    case tooLong
  }

  private let limits: Limits
  private var buffer: [UInt8] = []
  private var isDropping = false
  private var total = 0
  /// Number of the last line that was begun.
  private(set) var lines = 0
  /// Why no more is taken.
  private(set) var failure: ServiceError?

  init(limits: Limits) { self.limits = limits }

  /// Takes the next bytes; returns the lines that are complete with them. Whatever is beyond a limit sets `failure`
  /// (`body_too_large`), and nothing is taken from then on.
  mutating func take(_ bytes: some Sequence<UInt8>, count: Int) -> [Piece] {
    var pieces: [Piece] = []
    let room = max(0, limits.total - total)
    total += count
    for byte in bytes.prefix(room) where failure == nil {
      if byte == UInt8(ascii: "\n") {
        if let piece = cut() { pieces.append(piece) }
      } else if !isDropping {
        buffer.append(byte)
        if buffer.count > limits.line {
          isDropping = true
          buffer = []
        }
      }
    }
    if count > room, failure == nil {
      failure = ServiceError(
        .bodyTooLarge,
        "the batch is too large; at most \(limits.total) bytes are taken, send the rest in another one")
    }
    return pieces
  }

  /// The last line, where it has no end of line of its own.
  mutating func finish() -> Piece? { failure != nil || (buffer.isEmpty && !isDropping) ? nil : cut() }

  private mutating func cut() -> Piece? {
    lines += 1
    guard lines <= limits.lines else {
      failure = ServiceError(
        .bodyTooLarge,
        "the batch has too many lines; at most \(limits.lines) are taken, send the rest in another one")
      return nil
    }
    defer {
      buffer.removeAll(keepingCapacity: true)
      isDropping = false
    }
    if isDropping { return .tooLong }
    if buffer.last == UInt8(ascii: "\r") { buffer.removeLast() }
    return .line(Data(buffer))
  }
}
