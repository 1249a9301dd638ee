import Foundation

/// beanstalkd(1), with its log on: an fsync for each put and each delete (`-f0`), or at most every 50 ms (`-f50`).
/// A reserve is never written.
final class Beanstalkd: Contender {
  let name: String
  let durability: String
  private let interval: Int
  private let folder: String
  private let port: Int
  private var child: Child?

  private struct Wire: LineProtocol {
    func enqueue(_ body: [UInt8]) -> [UInt8] {
      Array("put 5 0 60 \(body.count)\r\n".utf8) + body + [13, 10]
    }
    func lease() -> [UInt8] { Array("reserve\r\n".utf8) }
    func ack(_ id: ArraySlice<UInt8>) -> [UInt8] { Array("delete ".utf8) + id + [13, 10] }

    func parse(_ buffer: ArraySlice<UInt8>) throws -> Reply? {
      guard let end = buffer.firstIndex(of: 13), end + 1 < buffer.endIndex else { return nil }
      let length = end + 2 - buffer.startIndex
      switch buffer.first {
      case UInt8(ascii: "I"), UInt8(ascii: "D"): return Reply(length: length)
      case UInt8(ascii: "R"):
        let words = buffer[..<end].split(separator: 32)
        guard words.count == 3, let size = Int(String(decoding: words[2], as: UTF8.self)) else { break }
        guard buffer.count >= length + size + 2 else { return nil }
        return Reply(length: length + size + 2, id: words[1])
      default: break
      }
      throw BenchError("beanstalkd: \(String(decoding: buffer[..<end], as: UTF8.self))")
    }
  }

  init(interval: Int, folder: String, port: Int) {
    self.interval = interval
    self.port = port
    name = "beanstalkd -f\(interval)"
    durability =
      interval == 0 ? "fsync for each put and delete" : "fsync every \(interval) ms: the last are lost"
    self.folder = "\(folder)/beanstalkd-\(interval)"
  }

  private func launch(_ sync: String) throws -> Double {
    let log = "\(folder)/data"
    try FileManager.default.createDirectory(atPath: log, withIntermediateDirectories: true)
    child = try Child(
      ["beanstalkd", "-l", "127.0.0.1", "-p", "\(port)", "-b", log, sync], folder: folder,
      log: "\(folder)/log")
    return try eventually("beanstalkd answers") {
      // The kernel takes connections before the log has been read.
      (try? Connection(port: port).ask(Array("stats-tube default\r\n".utf8))) != nil
    }
  }

  func start() throws { _ = try launch("-f\(interval)") }

  /// Without fsync, which could not be turned on later: so it is started anew.
  func fill(_ count: Int, body: Int) throws -> Double {
    stop()
    _ = try launch("-F")
    let time = try SocketLoad(wire: Wire(), port: port).fill(count, body: body)
    _ = try restart()
    return time
  }

  func restart() throws -> Double {
    stop()
    return try launch("-f\(interval)")
  }

  func run(_ load: Load) throws -> Outcome { try SocketLoad(wire: Wire(), port: port).run(load) }
  func memory() -> Int { child?.memory ?? 0 }
  func stop() { child?.stop() }
}

/// A Redis stream with one consumer group, `appendfsync always`: one fsync for whatever came in one turn of its
/// event loop.
final class Redis: Contender {
  let name = "Redis stream"
  let durability = "appendfsync always; XADD, XREADGROUP, XACK"
  private let folder: String
  private let port: Int
  private var child: Child?

  private struct Wire: LineProtocol {
    private func command(_ words: [ArraySlice<UInt8>]) -> [UInt8] {
      words.reduce(into: Array("*\(words.count)\r\n".utf8)) { bytes, word in
        bytes += Array("$\(word.count)\r\n".utf8) + word + [13, 10]
      }
    }

    private func words(_ text: String) -> [ArraySlice<UInt8>] {
      text.split(separator: " ").map { Array($0.utf8)[...] }
    }

    func enqueue(_ body: [UInt8]) -> [UInt8] { command(words("XADD orders * body") + [body[...]]) }
    func lease() -> [UInt8] { command(words("XREADGROUP GROUP work one COUNT 1 BLOCK 0 STREAMS orders >")) }
    func ack(_ id: ArraySlice<UInt8>) -> [UInt8] { command(words("XACK orders work") + [id]) }

    func parse(_ buffer: ArraySlice<UInt8>) throws -> Reply? {
      var strings: [ArraySlice<UInt8>] = []
      guard let end = try skip(buffer, from: buffer.startIndex, &strings) else { return nil }
      // [[stream, [[id, [field, value]]]]]
      return Reply(length: end - buffer.startIndex, id: strings.count == 4 ? strings[1] : nil)
    }

    private func skip(
      _ buffer: ArraySlice<UInt8>, from start: Int, _ strings: inout [ArraySlice<UInt8>]
    ) throws -> Int? {
      guard start < buffer.endIndex, let end = buffer[start...].firstIndex(of: 13), end + 1 < buffer.endIndex
      else { return nil }
      let text = String(decoding: buffer[(start + 1)..<end], as: UTF8.self)
      switch buffer[start] {
      case UInt8(ascii: "+"), UInt8(ascii: ":"): return end + 2
      case UInt8(ascii: "$"):
        let next = end + 2 + (Int(text) ?? 0)
        guard next + 2 <= buffer.endIndex else { return nil }
        strings.append(buffer[(end + 2)..<next])
        return next + 2
      case UInt8(ascii: "*"):
        var place = end + 2
        for _ in 0..<(Int(text) ?? 0) {
          guard let next = try skip(buffer, from: place, &strings) else { return nil }
          place = next
        }
        return place
      default: throw BenchError("Redis: \(text)")
      }
    }
  }

  init(folder: String, port: Int) {
    self.folder = "\(folder)/redis"
    self.port = port
  }

  private func ask(_ words: [String]) throws -> String { try output(["redis-cli", "-p", "\(port)"] + words) }

  private func launch() throws -> Double {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    child = try Child(
      [
        "redis-server", "--bind", "127.0.0.1", "--port", "\(port)", "--dir", folder, "--save", "",
        "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0",
      ], folder: folder, log: "\(folder)/log")
    return try eventually("Redis answers") { (try? ask(["PING"]))?.hasPrefix("PONG") ?? false }
  }

  func start() throws {
    _ = try launch()
    _ = try ask(["XGROUP", "CREATE", "orders", "work", "0", "MKSTREAM"])
  }

  func fill(_ count: Int, body: Int) throws -> Double {
    _ = try ask(["CONFIG", "SET", "appendfsync", "no"])
    let time = try SocketLoad(wire: Wire(), port: port).fill(count, body: body)
    _ = try ask(["CONFIG", "SET", "appendfsync", "always"])
    return time
  }

  func restart() throws -> Double {
    stop()
    return try launch()
  }

  func run(_ load: Load) throws -> Outcome { try SocketLoad(wire: Wire(), port: port).run(load) }
  func memory() -> Int { child?.memory ?? 0 }
  func stop() { child?.stop() }
}
