import CoreTime
import DaemonKit
import SuggestionModel

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

/// `learned.snapshot`: replaced whole, so that a crash leaves the old one or the new one.
///
/// Layout, little-endian: "ordersd-learned\n", CRC-32 of the rest (u32), time (i64, Unix milliseconds),
/// cursor, orders and missed (u64 each), and the model (`SuggestionSnapshot.encoded()`, which has the
/// version).
struct SnapshotFile: Sendable {
  /// The file is none of ours, or not what was written.
  struct Damaged: Error {
    let reason: String
    let keptAs: String
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Far more than a model within its limits needs.
  private static let maximumSize = 256 << 20
  private static let magic = Array("ordersd-learned\n".utf8)
  private static let header = 16 + 4 + 4 * 8

  let folder: String
  var path: String { "\(folder)/learned.snapshot" }
  private let thread = FileThread("suggestions-snapshot")

  init(folder: String) { self.folder = folder }

  /// Nil when there is none. Throws `Damaged`, when it was set aside, or `Failure`.
  func read() async throws -> (learned: SuggestionMemory.Learned, writtenAt: Timestamp)? {
    try await thread.run { () -> (learned: SuggestionMemory.Learned, writtenAt: Timestamp)? in
      guard FileManager.default.fileExists(atPath: path) else { return nil }
      let bytes: [UInt8]
      do {
        let size = try DurableFile.length(of: path)
        guard size <= Self.maximumSize else { throw Failure(description: "\(path): has \(size) bytes") }
        bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      } catch {
        throw Failure(description: "\(path): cannot be read (\(error))")
      }
      do {
        return try Self.decode(bytes)
      } catch {
        let keptAs = "\(path).damaged"
        guard rename(path, keptAs) == 0 else { throw failure("cannot be renamed") }
        throw Damaged(reason: "\(error)", keptAs: keptAs)
      }
    }
  }

  /// Returns once it is on disk. Throws `Failure` or `DurableFile.Failure`.
  func write(_ learned: SuggestionMemory.Learned, at time: Timestamp) async throws {
    try await thread.run {
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
      } catch {
        throw Failure(description: "\(folder): cannot be made (\(error))")
      }
      try DurableFile.replace(path, with: Self.encode(learned, at: time))
    }
  }

  private func failure(_ what: String) -> Failure {
    Failure(description: "\(path): \(what) (\(String(cString: strerror(errno))))")
  }

  static func encode(_ learned: SuggestionMemory.Learned, at time: Timestamp) -> [UInt8] {
    var rest: [UInt8] = []
    for value in [UInt64(bitPattern: time.milliseconds), learned.cursor, learned.orders, learned.missed] {
      withUnsafeBytes(of: value.littleEndian) { rest += $0 }
    }
    rest += learned.snapshot.encoded()
    return withUnsafeBytes(of: CRC32.of(rest).littleEndian) { magic + Array($0) + rest }
  }

  static func decode(
    _ bytes: [UInt8]
  ) throws(SnapshotDamage) -> (learned: SuggestionMemory.Learned, writtenAt: Timestamp) {
    guard bytes.count >= header, Array(bytes.prefix(magic.count)) == magic else {
      throw SnapshotDamage(description: "it does not begin as a file of what was learned")
    }
    func number(_ offset: Int, _ size: Int) -> UInt64 {
      bytes[offset..<(offset + size)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    let rest = bytes[(magic.count + 4)...]
    guard number(magic.count, 4) == UInt64(CRC32.of(rest)) else {
      throw SnapshotDamage(description: "its checksum is wrong")
    }
    let snapshot = try SuggestionSnapshot(decoding: bytes[header...])
    let learned = SuggestionMemory.Learned(
      snapshot: snapshot, cursor: number(28, 8), orders: number(36, 8), missed: number(44, 8))
    return (learned, Timestamp(milliseconds: Int64(bitPattern: number(20, 8))))
  }
}

/// The checksum of Ethernet and gzip (RFC 1952, section 8).
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in crc & 1 == 1 ? 0xEDB8_8320 ^ crc >> 1 : crc >> 1 }
  }

  static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in table[Int((crc ^ UInt32(byte)) & 0xFF)] ^ crc >> 8 }
  }
}
