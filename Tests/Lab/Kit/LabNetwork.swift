import Foundation

/// Hosts 1 … 4 at 10.77.0.1 … 4, each a network namespace, on a bridge in a namespace of its own: what
/// docker does to the bridges of the root namespace does not reach this one, and nothing of it shows there.
///
/// Faults are put on the wire, at the bridge's end of a host's cable, so that the host itself sees no error.
struct LabNetwork: Sendable {
  static let hosts = 1...4

  let prefix: String
  private let wires: [Int: SlowCable]

  var bridge: String { "\(prefix)-br" }
  func namespace(_ host: Int) -> String { "\(prefix)-h\(host)" }
  static func address(_ host: Int) -> String { "10.77.0.\(host)" }

  /// Each step's undoing goes to `cleanup`. `slowCables`: every host's cable can delay what the host sends.
  init(cleanup: Cleanup, slowCables: Bool = false) throws {
    guard getuid() == 0 else { throw LabError("the lab makes network namespaces: run it as root") }
    try Self.removeLeftovers()
    let prefix = "ordersd-lab-\(getpid())"
    self.prefix = prefix
    let bridge = "\(prefix)-br"
    for name in [bridge] + Self.hosts.map({ "\(prefix)-h\($0)" }) {
      try Command.run("ip", "netns", "add", name)
      cleanup.later { try Self.remove(name) }
      try Command.run("ip", "-n", name, "link", "set", "lo", "up")
    }
    try Command.run(
      "ip", "-n", bridge, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "stp_state", "0")
    try Command.run("ip", "-n", bridge, "link", "set", "br0", "up")
    var wires: [Int: SlowCable] = [:]
    for host in Self.hosts {
      let namespace = "\(prefix)-h\(host)"
      if slowCables {
        let cable = try SlowCable(from: (namespace, "eth0"), to: (bridge, "h\(host)"))
        cleanup.later { cable.close() }
        wires[host] = cable
      } else {
        try Self.lay(from: namespace, to: bridge, host)
      }
      try Self.plug(from: namespace, to: bridge, host)
    }
    self.wires = wires
    try Command.run("ip", "netns", "exec", bridge, "nft", "add table netdev lab")
    for host in Self.hosts {
      try Command.run(
        "ip", "netns", "exec", bridge, "nft",
        "add chain netdev lab h\(host) { type filter hook ingress device h\(host) priority 0; }")
    }
  }

  private static func lay(from namespace: String, to bridge: String, _ host: Int) throws {
    try Command.run(
      "ip", "link", "add", "h\(host)", "netns", bridge, "type", "veth", "peer", "name", "eth0", "netns",
      namespace)
  }

  private static func plug(from namespace: String, to bridge: String, _ host: Int) throws {
    try Command.run("ip", "-n", bridge, "link", "set", "h\(host)", "master", "br0", "up")
    try Command.run("ip", "-n", namespace, "addr", "add", "\(address(host))/24", "dev", "eth0")
    try Command.run("ip", "-n", namespace, "link", "set", "eth0", "up")
  }

  // MARK: Faults

  /// The cable is pulled: nothing passes in either direction, and the host's interface stays up.
  func cutOff(_ host: Int) throws {
    try Command.run("bridge", "-n", bridge, "link", "set", "dev", "h\(host)", "state", "0")
  }

  func rejoin(_ host: Int) throws {
    try Command.run("bridge", "-n", bridge, "link", "set", "dev", "h\(host)", "state", "3")
  }

  /// The host's interface is gone, with its address; there is no other in its place.
  func removeInterface(of host: Int) throws {
    try Command.run("ip", "-n", namespace(host), "link", "del", "eth0")
  }

  /// Another interface of the same name and address: what had joined a group on the former one is not in it.
  func replaceInterface(of host: Int) throws {
    try Self.lay(from: namespace(host), to: bridge, host)
    try Self.plug(from: namespace(host), to: bridge, host)
  }

  /// Drops what `host` sends and `match` describes, in nft's words.
  func drop(from host: Int, _ match: String) throws {
    try Command.run("ip", "netns", "exec", bridge, "nft", "add rule netdev lab h\(host) \(match) drop")
  }

  func dropNothing(from host: Int) throws {
    try Command.run("ip", "netns", "exec", bridge, "nft", "flush chain netdev lab h\(host)")
  }

  /// Delays every frame of every host by `delay` ± `jitter`, each on its own, so that they overtake each
  /// other.
  func delay(_ delay: Duration, jitter: Duration) throws {
    guard !wires.isEmpty else { throw LabError("this network was built without slow cables") }
    for wire in wires.values { wire.set(delay: delay, jitter: jitter) }
  }

  // MARK: Removal

  private static func remove(_ namespace: String) throws {
    // Fulfilment commands outlive an executor that was killed; whatever is in these namespaces was started
    // by the lab.
    for line in try Command.run("ip", "netns", "pids", namespace).split(separator: "\n") {
      if let pid = pid_t(line) { kill(pid, SIGKILL) }
    }
    try Command.run("ip", "netns", "del", namespace)
  }

  /// Those of a lab whose process is gone: it was killed before it could clean up.
  private static func removeLeftovers() throws {
    for line in try Command.run("ip", "netns", "list").split(separator: "\n") {
      guard let name = line.split(separator: " ").first.map(String.init), name.hasPrefix("ordersd-lab-"),
        let owner = pid_t(name.dropFirst("ordersd-lab-".count).prefix { $0.isNumber }), kill(owner, 0) != 0
      else { continue }
      try remove(name)
    }
    for name in try FileManager.default.contentsOfDirectory(atPath: NSTemporaryDirectory()) {
      guard name.hasPrefix("ordersd-lab-"),
        let owner = pid_t(name.dropFirst("ordersd-lab-".count).prefix { $0.isNumber }),
        kill(owner, 0) != 0
      else { continue }
      try FileManager.default.removeItem(atPath: NSTemporaryDirectory() + name)
    }
  }
}
