import Foundation

/// A table with `FOR UPDATE SKIP LOCKED`, driven by pgbench(1): INSERT; UPDATE … RETURNING; DELETE, each a
/// transaction of its own.
final class Postgres: Contender {
  let name = "PostgreSQL"
  let durability = "synchronous_commit=on for each of three transactions"
  private let folder: String
  private let port: Int
  private let user: String?
  private let programs: String
  private var child: Child?

  init(folder: String, port: Int) throws {
    self.folder = "\(folder)/postgresql"
    self.port = port
    // It refuses to run as root.
    user = geteuid() == 0 ? "postgres" : nil
    let base = "/usr/lib/postgresql"
    let versions = try FileManager.default.contentsOfDirectory(atPath: base).compactMap { Int($0) }.sorted()
    guard let newest = versions.last else { throw BenchError("\(base) is empty") }
    programs = "\(base)/\(newest)/bin"
  }

  @discardableResult
  private func tool(_ words: [String]) throws -> String {
    try output(["\(programs)/\(words[0])"] + words.dropFirst(), user: user, folder: folder)
  }

  private var target: [String] { ["-h", folder, "-p", "\(port)", "-U", "bench"] }

  private func ask(_ sql: String) throws { try tool(["psql"] + target + ["-d", "postgres", "-qXc", sql]) }

  private func launch() throws -> Double {
    child = try Child(
      [
        "\(programs)/postgres", "-D", "\(folder)/data", "-p", "\(port)", "-k", folder, "-c",
        "listen_addresses=127.0.0.1", "-c", "synchronous_commit=on", "-c", "fsync=on", "-c",
        "max_connections=80",
        "-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB",
      ], user: user, folder: folder, log: "\(folder).log")
    return try eventually("PostgreSQL answers") { (try? ask("SELECT 1")) != nil }
  }

  func start() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if let user { try output(["chown", user, folder]) }
    try tool(["initdb", "-D", "\(folder)/data", "-U", "bench", "--auth", "trust", "-N"])
    _ = try launch()
    try ask(
      """
      CREATE TABLE orders (id bigserial PRIMARY KEY, priority int NOT NULL, state int NOT NULL DEFAULT 0,
        body text NOT NULL);
      CREATE INDEX ready ON orders (priority, id) WHERE state = 0;
      """)
  }

  func fill(_ count: Int, body: Int) throws -> Double {
    let began = seconds()
    try ask(
      "INSERT INTO orders (priority, body) SELECT 5, repeat('x', \(body)) FROM generate_series(1, \(count))")
    try ask("VACUUM ANALYZE orders")
    return seconds() - began
  }

  func restart() throws -> Double {
    child?.stop(SIGINT)
    return try launch()
  }

  func run(_ load: Load) throws -> Outcome {
    let script = "\(folder)/cycle.sql"
    let text = """
      INSERT INTO orders (priority, body) VALUES (5, '\(String(repeating: "x", count: load.body))');
      UPDATE orders SET state = 1 WHERE id = (SELECT id FROM orders WHERE state = 0 ORDER BY priority, id
        FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id \\gset
      DELETE FROM orders WHERE id = :id;
      """
    try text.write(toFile: script, atomically: true, encoding: .utf8)
    let logs = "\(folder)/cycles"
    let began = Date().timeIntervalSince1970
    let time = Int((load.warmUp + load.time).rounded(.up))
    try tool(
      ["pgbench", "-h", "127.0.0.1", "-p", "\(port)", "-U", "bench", "-n", "-M", "prepared", "-f", script]
        + ["-c", "\(load.inFlight)", "-j", "1", "-T", "\(time)", "-l", "--log-prefix", logs, "postgres"])
    return try read(logs, load, began)
  }

  /// Lines of `client transaction latency script seconds microseconds`.
  private func read(_ prefix: String, _ load: Load, _ began: Double) throws -> Outcome {
    var latencies: [Double] = []
    let measuring = began + load.warmUp
    for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasPrefix("cycles") {
      let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count >= 6, let latency = Double(words[2]), let second = Double(words[4]),
          let part = Double(words[5])
        else { continue }
        let ended = second + part / 1e6
        if ended >= measuring, ended < measuring + load.time { latencies.append(latency / 1_000) }
      }
      try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
    }
    latencies.sort()
    return Outcome(
      perSecond: Double(latencies.count) / load.time, p50: percentile(0.5, of: latencies),
      p99: percentile(0.99, of: latencies))
  }

  /// Its processes share most of it; the sum of the private parts and the largest shared one would need root.
  func memory() -> Int { 0 }
  func stop() { child?.stop(SIGINT) }
}
