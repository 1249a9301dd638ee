package import BullyElection
import CoreTime
package import DaemonKit
package import ElectionWire
package import MulticastTransport

/// What an executor does with an order. Setting `executor.fulfilment.kind`.
package enum FulfilmentKind: String, Sendable, CaseIterable {
  /// Says so in the log.
  case log
  /// Runs a command with the order on its standard input.
  case command
}

/// The settings of one executor.
package struct ExecutorConfiguration: Sendable {
  /// 1 … 65535. The highest live, eligible id leads.
  package var id: NodeID
  package var server: NetworkEndpoint
  package var admin: NetworkEndpoint
  package var queue: NetworkEndpoint
  package var transport: TransportConfiguration
  /// The name that all executors of one installation share; at most 64 bytes.
  package var cluster: String
  package var keys: KeyRing
  package var election: BullyConfiguration
  /// Orders executed at a time. 1 … 1024.
  package var credits: Int
  package var fulfilment: FulfilmentKind
  /// Executable and arguments of the fulfilment command.
  package var command: [String]
  /// After this the command is killed and the order tried again later.
  package var timeout: Duration

  /// Declares and reads every key; mistakes are gathered in `reader`.
  package init(reader: SettingsReader) {
    let number = reader.integer(
      "executor.id", default: 0, in: 0...65_535,
      "Which executor this is, 1 to 65535; the highest that lives leads.")
    let node = UInt16(exactly: number).flatMap(NodeID.init)
    if node == nil { reader.report("executor.id", "must be set to a number from 1 to 65535: pass --id N") }
    id = node ?? Self.unset
    let bind = reader.string("bind", default: "127.0.0.1", "Address that services listen on.")
    server = NetworkEndpoint(
      host: bind,
      port: Self.port(reader, "executor.port", 50_060 + number, "gRPC port of the executor's control."))
    admin = NetworkEndpoint(
      host: bind,
      port: Self.port(reader, "executor.admin-port", 51_060 + number, "HTTP port for health and metrics."))
    queue = reader.endpoint("order-queue.endpoint", defaultPort: 50_055, "Where the order queue is reached.")
    transport = Self.transport(reader, bind: bind)
    cluster = reader.string(
      "election.cluster", default: "ordersd", "Name that all executors of one installation share.")
    if !(1...64).contains(cluster.utf8.count) {
      reader.report("election.cluster", "must be 1 to 64 bytes of text, not \(cluster.utf8.count)")
    }
    keys = ElectionKey.read(reader)
    election = Self.election(reader)
    credits = reader.integer("executor.credits", default: 16, in: 1...1_024, "Orders executed at a time.")
    fulfilment = reader.choice(
      "executor.fulfilment.kind", default: FulfilmentKind.log, "What executing an order means.")
    command = reader.list(
      "executor.fulfilment.command", default: [],
      "Executable and arguments that carry out an order; gets its JSON on standard input.")
    timeout = reader.duration(
      "executor.fulfilment.timeout", default: .seconds(30), in: .milliseconds(100)...(.seconds(3_600)),
      "How long the command may run before it is killed and the order is tried again.")
    if fulfilment == .command, let problem = CommandFulfilment.problem(inForm: command) {
      reader.report("executor.fulfilment.command", problem)
    }
  }

  /// Stands in for a missing id until `validate()` reports it.
  private static var unset: NodeID {
    guard let id = NodeID(1) else { preconditionFailure("1 is an id") }
    return id
  }

  private static func port(_ reader: SettingsReader, _ key: String, _ base: Int, _ purpose: String) -> Int {
    let port = reader.port(key, default: base, purpose)
    guard port > 65_535 else { return port }
    reader.report(key, "must be set: the default for this id, \(port), is beyond 65535")
    return 0
  }

  private static func transport(_ reader: SettingsReader, bind: String) -> TransportConfiguration {
    let group = reader.string(
      "election.group", default: TransportConfiguration.defaultGroup, "Multicast group of the election.")
    let port = reader.port(
      "election.port", default: TransportConfiguration.defaultPort, "UDP port of the election.")
    let interface = reader.string(
      "election.interface", default: "127.0.0.1",
      "Interface that the election uses: an IPv4 address of it, or its name.")
    let named = reader.list(
      "election.peers", default: [], "All executors as host:port; unicast instead of multicast when set.")
    var peers: [TransportConfiguration.Peer] = []
    for text in named {
      guard let peer = TransportConfiguration.Peer(text) else {
        reader.report("election.peers", "must be a list of host:port, not '\(text.prefix(80))'")
        continue
      }
      peers.append(peer)
    }
    let configuration = TransportConfiguration(
      mode: named.isEmpty
        ? .multicast(group: group, port: port, interface: interface)
        : .unicast(bindHost: bind, port: port, peers: peers))
    reportUnreachable(reader, bind: bind, peers)
    if peers.count == named.count {
      for problem in configuration.problems { reader.report("election", problem) }
    }
    return configuration
  }

  /// From a loopback address the kernel sends nothing to other hosts: the executors would not hear each other,
  /// without an error that anybody sees.
  private static func reportUnreachable(
    _ reader: SettingsReader, bind: String, _ peers: [TransportConfiguration.Peer]
  ) {
    guard isLoopback(bind), let peer = peers.first(where: { !isLoopback($0.host) }) else { return }
    reader.report(
      "election.peers",
      "\(peer.host) cannot be reached from \(bind): set 'bind' to an address of this host that its peers reach"
    )
  }

  /// By its form: names are not looked up, and `localhost` is the only one that surely stays here (RFC 6761).
  private static func isLoopback(_ host: String) -> Bool {
    host == "localhost" || host == "::1"
      || (host.hasPrefix("127.") && host.allSatisfy { $0 == "." || $0.isNumber })
  }

  private static func election(_ reader: SettingsReader) -> BullyConfiguration {
    var election = BullyConfiguration()
    election.lane = reader.string("election.lane", default: "main", "What is led; one leader for each lane.")
    let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
    if !(1...32).contains(election.lane.count) || !election.lane.allSatisfy(letters.contains) {
      reader.report(
        "election.lane", "must be 1 to 32 of a-z, 0-9 and hyphens, not '\(election.lane.prefix(80))'")
      election.lane = "main"
    }
    election.heartbeat = reader.duration(
      "election.heartbeat", default: .milliseconds(100), in: .milliseconds(5)...(.seconds(60)),
      "Time between two heartbeats of the leader; three missed ones start an election.")
    election.preempt = reader.choice(
      "election.preempt", default: PreemptPolicy.whenIdle,
      "What a higher id does when it finds a lower one leading.")
    // Waits that follow the heartbeat, so that a slow network needs one setting.
    election.precheckTimeout = max(election.precheckTimeout, election.heartbeat * 3 / 10)
    election.answerTimeout = max(election.answerTimeout, election.heartbeat / 2)
    election.coordinatorTimeout = max(election.coordinatorTimeout, election.heartbeat * 2)
    for problem in election.problems { reader.report("election", problem) }
    return election
  }
}
