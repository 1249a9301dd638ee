import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import Testing

extension Integration {
  /// Datagrams that nobody should take, as fast as a malicious or broken host would send them.
  @Suite("Flood")
  struct FloodTests {
    private static let perSecond = 10_000
    /// In CI two seconds; FLOOD_SECONDS=10 is the full length.
    private static let seconds = ProcessInfo.processInfo.environment["FLOOD_SECONDS"].flatMap(Int.init) ?? 2
    private static let executors = ["executor-1", "executor-2", "executor-3"]
    private static let mostGrowth = 6_144
    private static let key = [UInt8](0..<32)

    @Test(
      "10,000 bad datagrams a second: leadership does not move, memory does not grow, each kind is counted")
    func flood() async throws {
      let key = FileManager.default.temporaryDirectory.appendingPathComponent(
        "election-key-\(UUID().uuidString)")
      let text = "7:" + Self.key.map { String(format: "%02x", $0) }.joined() + "\n"
      #expect(
        FileManager.default.createFile(
          atPath: key.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
      defer { try? FileManager.default.removeItem(at: key) }
      try await Cluster.with(["election.key-file": key.path]) { cluster in
        try await eventually("executor-3 leads", within: .seconds(20)) {
          try await cluster.leaders() == ["executor-3"]
        }
        let socket = try ElectionSocket(port: 50_060 + cluster.portOffset)
        let kinds = Self.kinds(try socket.receive())
        // What is allocated once is allocated now: buffers, counters, connections of /status.
        _ = try await Self.send(kinds, through: socket, for: 0.5)
        _ = try await cluster.dropped(by: Self.executors)
        let before = try await (
          cluster.epoch(), cluster.memory(of: Self.executors), cluster.dropped(by: Self.executors)
        )
        let sent = try await Self.send(kinds, through: socket, for: Double(Self.seconds))
        let after = try await (cluster.epoch(), cluster.memory(of: Self.executors))
        #expect(after.0 == before.0, "the epoch moved: somebody else was granted the lane")
        #expect(try await cluster.leaders() == ["executor-3"])
        #expect(sent >= Self.perSecond * Self.seconds * 8 / 10, "only \(sent) could be sent")
        for executor in Self.executors {
          let growth = after.1[executor, default: 0] - before.1[executor, default: 0]
          #expect(growth < Self.mostGrowth, "\(executor) grew by \(growth) KiB")
          // The last ones may still wait to be read, and the kernel is asked once a second what it gave up.
          var counts: [String: Int] = [:]
          try await eventually("\(executor) counted all \(sent)", within: .seconds(20)) {
            let now = try await cluster.dropped(by: [executor])[executor, default: [:]]
            counts = now.merging(before.2[executor, default: [:]]) { $0 - $1 }.filter { $0.value > 0 }
            return counts.values.reduce(0, +) >= sent
          }
          for kind in kinds {
            #expect(counts[kind.reason, default: 0] > 0, "\(executor) counted no \(kind.reason)")
          }
          let total = counts.values.reduce(0, +)
          let judged = kinds.reduce(0) { $0 + counts[$1.reason, default: 0] }
          #expect(judged >= sent / 4, "\(executor) looked at only \(judged) of \(sent)")
          print(
            "flood: \(executor) counted \(total) of \(sent) in \(Self.seconds) s, grew by \(growth) KiB: \(counts)"
          )
          let metrics = String(decoding: try await cluster.admin(executor, "/metrics"), as: UTF8.self)
          for kind in kinds {
            #expect(metrics.contains("ordersd_election_dropped_total{reason=\"\(kind.reason)\"}"))
          }
          for event in ["received", "sent", "not-sent", "error", "reopened"] {
            #expect(metrics.contains("ordersd_election_socket_total{event=\"\(event)\"}"))
          }
        }
        let order = try await cluster.submit(try Programs.example("order.json"))
        #expect(try await cluster.settled(order.orderId).execution?.executor == "executor-3")
      }
    }

    private struct Kind {
      let reason: String
      let datagram: [UInt8]
    }

    /// Made from a genuine datagram, as one who listens could; docs/PROTOCOL.md has the offsets.
    private static func kinds(_ genuine: [UInt8]) -> [Kind] {
      func changed(_ offset: Int, to byte: UInt8) -> [UInt8] {
        var datagram = genuine
        datagram[offset] = byte
        return datagram
      }
      let zeros = [UInt8](repeating: 0, count: 1_200)
      return [
        Kind(reason: "bad-mac", datagram: changed(genuine.count - 1, to: ~genuine[genuine.count - 1])),
        Kind(reason: "unknown-key", datagram: changed(27, to: 99)),
        Kind(reason: "replay", datagram: genuine),
        Kind(reason: "too-short", datagram: Array(genuine.prefix(100))),
        Kind(reason: "too-long", datagram: genuine + zeros),
        Kind(reason: "foreign-cluster", datagram: changed(8, to: ~genuine[8])),
        Kind(reason: "future-version", datagram: changed(4, to: 2)),
        Kind(reason: "bad-magic", datagram: Array(zeros.prefix(180))),
        Kind(reason: "unsigned", datagram: changed(27, to: 0)),
        Kind(reason: "malformed", datagram: signed(changed(61, to: 99))),
      ]
    }

    /// As one who has the key could: with a genuine signature over whatever it is.
    private static func signed(_ datagram: [UInt8]) -> [UInt8] {
      let body = datagram.dropLast(32)
      return Array(body) + HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: key))
    }

    /// Sends all kinds in turn, paced. Returns how many were sent.
    private static func send(_ kinds: [Kind], through socket: ElectionSocket, for seconds: Double)
      async throws -> Int
    {
      let start = ContinuousClock.now
      let wanted = Int(Double(perSecond) * seconds)
      var sent = 0
      var next = 0
      while next < wanted {
        let due = min(wanted, Int((ContinuousClock.now - start) / .microseconds(1_000_000 / perSecond)))
        while next < due {
          if socket.send(kinds[next % kinds.count].datagram) { sent += 1 }
          next += 1
        }
        try await Task.sleep(for: .milliseconds(2))
      }
      return sent
    }
  }
}

extension Cluster {
  fileprivate func admin(_ executor: String, _ path: String) async throws -> Data {
    let number = Int(executor.drop { !$0.isNumber }) ?? 0
    let request = HTTPClientRequest(url: "http://127.0.0.1:\(51_060 + number + portOffset)\(path)")
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
    return Data(try await response.body.collect(upTo: 1 << 20).readableBytesView)
  }

  /// What each executor has dropped so far, by reason.
  fileprivate func dropped(by executors: [String]) async throws -> [String: [String: Int]] {
    struct Status: Decodable { let dropped: [String: Int] }
    var all: [String: [String: Int]] = [:]
    for executor in executors {
      all[executor] = try JSONDecoder().decode(Status.self, from: try await admin(executor, "/status"))
        .dropped
    }
    return all
  }

  /// Resident memory in KiB (proc_pid_status(5)).
  fileprivate func memory(of executors: [String]) throws -> [String: Int] {
    var all: [String: Int] = [:]
    for executor in executors {
      let status = try String(contentsOfFile: "/proc/\(try pid(of: executor))/status", encoding: .utf8)
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
      all[executor] = Int(line.filter(\.isNumber)) ?? 0
    }
    return all
  }

  fileprivate func leaders() async throws -> [String] {
    try await get("/v1/status", as: StatusView.self).leaders.compactMap(\.holder)
  }

  fileprivate func epoch() async throws -> [UInt64] {
    try await get("/v1/status", as: StatusView.self).leaders.map(\.epoch)
  }
}
