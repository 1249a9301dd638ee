// Memory and time of the queue's machine alone, without disk and network: bytes for each queued order, steps per
// second at several depths, and how long the heaps take to be built anew.
//
//     make bench-queue-core

import CoreTime
import FoundationEssentials
import OrderDomain
import PriorityQueue

typealias Machine = PriorityQueue<OrderID>

/// Resident bytes of this process (proc_pid_status(5)).
func residentBytes() -> Int {
  guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return 0 }
  for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
    return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1_024
  }
  return 0
}

func seconds(_ body: () -> Void) -> Double {
  let clock = ContinuousClock()
  return Double(clock.measure(body).nanosecondsClamped) / 1e9
}

struct Bench {
  var machine: Machine
  var random = SystemRandomNumberGenerator()
  var milliseconds: Int64 = 1_700_000_000_000

  init(_ configuration: QueueConfiguration) {
    machine = Machine(
      configuration: configuration, now: Now(wall: Timestamp(milliseconds: milliseconds), monotonic: .zero))
  }

  var now: Now { Now(wall: Timestamp(milliseconds: milliseconds), monotonic: .zero) }

  mutating func enqueue(_ count: Int, expiring: Bool = false) {
    for number in 0..<count {
      milliseconds += number.isMultiple(of: 4) ? 1 : 0
      let job = Machine.NewJob(
        id: OrderID(at: now.wall, using: &random), priority: number % 10,
        expiresAt: expiring ? now.wall + .seconds(86_400) : nil)
      _ = machine.enqueue(job, now: now)
    }
  }

  /// Takes one in, hands one out and finishes it, `count` times.
  mutating func cycles(_ count: Int, _ leader: LeaderToken) {
    for _ in 0..<count {
      enqueue(1)
      guard case .leased(let jobs) = machine.lease(leader, max: 1, duration: .seconds(30), now: now).answer
      else { return }
      for job in jobs { _ = machine.ack(job.id, leader, now: now) }
    }
  }
}

func measure(_ depth: Int, _ name: String, _ configuration: QueueConfiguration, expiring: Bool = false) {
  let before = residentBytes()
  var bench = Bench(configuration)
  let filling = seconds { bench.enqueue(depth, expiring: expiring) }
  let bytes = Double(residentBytes() - before) / Double(depth)
  let claim = LeadershipClaim(lane: "main", executor: 1, incarnation: 1, term: 1)
  guard case .granted(let epoch, _, _, _) = bench.machine.claim(claim, now: bench.now).answer else { return }
  let leader = LeaderToken(lane: "main", executor: 1, epoch: epoch)
  bench.cycles(1_000, leader)
  let rounds = 20_000
  let cycling = seconds { bench.cycles(rounds, leader) }
  print(
    "\(name), \(depth) orders: \(Int(bytes)) bytes each; \(Int(filling / Double(depth) * 1e9)) ns to take one in; "
      + "\(Int(cycling / Double(rounds) * 1e9)) ns for enqueue, lease and ack")
}

func measureRestoring(_ depth: Int) {
  var snapshot = Machine.Snapshot()
  var random = SystemRandomNumberGenerator()
  let start = Timestamp(milliseconds: 1_700_000_000_000)
  let reading = seconds {
    for number in 0..<depth {
      let time = start + .milliseconds(Int64(number))
      snapshot.add(
        Machine.Job(
          id: OrderID(at: time, using: &random), lane: "main", priority: number % 10,
          sequence: UInt64(number + 1), state: .ready, enqueuedAt: time, readyAt: time))
    }
  }
  var count = 0
  let building = seconds {
    let now = Now(wall: start + .seconds(86_400), monotonic: .zero)
    let step = Machine.restore(snapshot, configuration: QueueConfiguration(capacity: depth), now: now)
    count = step.answer.readyCount(lane: "main")
  }
  print("restoring \(count) orders: \(reading) s to take them in, \(building) s for heaps and lines")
}

let depths = CommandLine.arguments.dropFirst().compactMap { Int($0) }
for depth in depths.isEmpty ? [1_000, 100_000, 1_000_000] : depths {
  let capacity = depth + 1_000
  measure(depth, "strict", QueueConfiguration(capacity: capacity))
  measure(
    depth, "ageing and expiry", QueueConfiguration(capacity: capacity, maxWait: .seconds(60)), expiring: true)
  measureRestoring(depth)
}
