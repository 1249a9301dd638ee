import Foundation

enum Fault: String, CaseIterable, Sendable {
  case kill, stop, terminate, partition

  var title: String {
    switch self {
    case .kill: "kill -9"
    case .stop: "SIGSTOP"
    case .terminate: "graceful stop (SIGTERM)"
    case .partition: "partition of the leader's host"
    }
  }
}

/// Something with a leader on host 3 that others replace when it is hit.
protocol Contender: AnyObject {
  var name: String { get }
  /// Waits until host 3 leads again, to effect.
  func settle() throws
  /// Hits the leader. A partition is made by the caller, for all contenders at once.
  func hit(_ fault: Fault) throws
  /// Waits for the first effect of another leader, and says when it was.
  func takeover(after fault: WallSeconds) throws -> WallSeconds
  func heal(_ fault: Fault) throws
}

/// The times of one contender under one fault.
struct Row: Sendable {
  let contender: String
  let fault: String
  var samples: [Duration]
  /// Orders that were carried out again; nil where there are none.
  var repeated: Int?
  /// What p99 is to stay below; nil where nothing is aimed at.
  var aim: Duration?
  var isMissed: Bool { aim.map { (percentile(0.99) ?? .zero) >= $0 } ?? false }

  /// By nearest rank: of 50 samples p99 is the largest.
  func percentile(_ share: Double) -> Duration? {
    let sorted = samples.sorted()
    guard !sorted.isEmpty else { return nil }
    return sorted[min(sorted.count, max(1, Int((Double(sorted.count) * share).rounded(.up)))) - 1]
  }
}

/// Hits `contenders` with `fault`, all at the same moment, `runs` times.
func measure(_ contenders: [any Contender], _ fault: Fault, runs: Int, on network: LabNetwork) throws -> [Row]
{
  var rows = contenders.map { Row(contender: $0.name, fault: fault.title, samples: []) }
  for run in 1...runs {
    for contender in contenders { try contender.settle() }
    // Faults do not wait for a heartbeat or a renewal.
    rest(.milliseconds(Double.random(in: 300...1_300)))
    let began = wallNow()
    if fault == .partition { try network.cutOff(3) }
    for contender in contenders where fault != .partition { try contender.hit(fault) }
    for (place, contender) in contenders.enumerated() {
      rows[place].samples.append(.seconds(try contender.takeover(after: began) - began))
    }
    if fault == .partition { try network.rejoin(3) }
    for contender in contenders { try contender.heal(fault) }
    if run % 10 == 0 {
      say("\(contenders.map(\.name).joined(separator: ", ")): \(fault.title), \(run) of \(runs)")
    }
  }
  return rows
}

func say(_ text: String) { FileHandle.standardError.write(Data("failover: \(text)\n".utf8)) }
