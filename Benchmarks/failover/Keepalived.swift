import Foundation

/// Three keepalived, on the same hosts, with one virtual address. The effect is the address on another host.
final class Keepalived: Contender {
  struct Settings: Sendable {
    let name: String
    let global: String
    let advertisement: String
    /// Of hosts 1, 2, 3.
    let priorities: [Int]

    /// As the documentation's examples have it.
    static let defaults = Settings(
      name: "keepalived, default", global: "", advertisement: "1", priorities: [50, 100, 150])
    /// VRRPv3 with ten advertisements a second, as many as ordersd sends heartbeats, and priorities next to
    /// the highest, which shorten the wait.
    static let fast = Settings(
      name: "keepalived, fast", global: "vrrp_version 3", advertisement: "0.1", priorities: [252, 253, 254])
  }

  let name: String
  private let lab: Lab
  private let router: Int
  private let settings: Settings
  private var tails: [(host: Int, tail: LineTail)]
  private var holders: Set<Int> = []
  private var arrivals: [(host: Int, at: WallSeconds)] = []

  private var address: String { "10.77.1.\(router)" }
  private func process(_ host: Int) -> String { "keepalived-\(router)-\(host)" }

  /// The addresses' comings and goings on every host, with their time, for all contenders of this kind.
  static func watch(_ lab: Lab) throws {
    for host in Lab.executors {
      try lab.run(
        "addresses-\(host)",
        ["ip", "-n", lab.network.namespace(host), "-4", "-ts", "-o", "monitor", "address"])
    }
  }

  /// `router`: the VRRP router id, 1 … 255; each contender needs its own.
  init(_ lab: Lab, _ settings: Settings, router: Int) throws {
    self.lab = lab
    self.settings = settings
    self.router = router
    name = settings.name
    tails = Lab.executors.map { ($0, LineTail(lab.log("addresses-\($0)"))) }
    for host in Lab.executors { try start(host) }
  }

  private func start(_ host: Int) throws {
    let base = "\(lab.folder)/\(process(host))"
    let text = """
      global_defs { \(settings.global)
      }
      vrrp_instance lab {
        state \(host == 3 ? "MASTER" : "BACKUP")
        interface eth0
        virtual_router_id \(router)
        priority \(settings.priorities[host - 1])
        advert_int \(settings.advertisement)
        virtual_ipaddress { \(address)/32 dev eth0
        }
      }
      """
    try text.write(toFile: base + ".conf", atomically: true, encoding: .utf8)
    // Left by one that was killed; while init has not taken note of its end, keepalived would refuse to
    // start.
    for ending in [".pid", ".vrrp.pid"] { unlink(base + ending) }
    try lab.run(
      process(host),
      [
        "ip", "netns", "exec", lab.network.namespace(host), "keepalived", "-n", "-l", "-P", "-f",
        base + ".conf",
        "-p", base + ".pid", "-r", base + ".vrrp.pid",
      ])
  }

  func settle() throws {
    try eventually("\(name): host 3 is the master", within: .seconds(40), every: .milliseconds(50)) {
      try look()
      return holders == [3]
    }
    arrivals = []
  }

  func hit(_ fault: Fault) throws {
    guard let master = lab.process(process(3)) else { throw LabError("\(name) does not run on host 3") }
    switch fault {
    // keepalived is two processes; both are hit.
    case .kill: try master.signalGroup(SIGKILL)
    case .stop: try master.signalGroup(SIGSTOP)
    case .terminate: try master.signal(SIGTERM)
    case .partition: break
    }
  }

  func takeover(after fault: WallSeconds) throws -> WallSeconds {
    var at: WallSeconds = 0
    try eventually("\(name): another host has the address", within: .seconds(30), every: .milliseconds(20)) {
      try look()
      guard let first = arrivals.first(where: { $0.host != 3 && $0.at >= fault }) else { return false }
      at = first.at
      return true
    }
    return at
  }

  func heal(_ fault: Fault) throws {
    switch fault {
    case .kill, .terminate:
      try lab.process(process(3))?.waitUntilOver()
      try start(3)
    case .stop: try lab.process(process(3))?.signalGroup(SIGCONT)
    case .partition: break
    }
  }

  /// `[2026-11-22T15:49:09.662539] Deleted 2: eth0    inet 10.77.1.51/32 scope …`
  private func look() throws {
    for place in tails.indices {
      for data in try tails[place].tail.next() {
        let words = String(decoding: data, as: UTF8.self).split(separator: " ")
        guard words.contains("\(address)/32"), let time = words.first?.dropFirst().dropLast(),
          let at = LogLine.seconds(String(time))
        else { continue }
        if words.contains("Deleted") {
          holders.remove(tails[place].host)
        } else {
          holders.insert(tails[place].host)
          arrivals.append((tails[place].host, at))
        }
      }
    }
  }
}
