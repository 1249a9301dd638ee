import CoreTime
import PriorityQueue
import Randomness
import Testing

/// Long random histories, run against the queue and against a model that only knows lists and linear scans.
@Suite struct HistoryTests {
  @Test(arguments: UInt64(1)...16)
  func theQueueDoesWhatTheModelDoes(seed: UInt64) {
    var history = History(seed: seed)
    for step in 0..<2_000 {
      let operation = history.step()
      if let problem = history.problem(finishedToo: step % 100 == 99) {
        Issue.record("seed \(seed), step \(step), after \(operation): \(problem)")
        return
      }
    }
    #expect(history.bench.queue.totals.done > 50, "seed \(seed): the history must get somewhere")
    #expect(history.epochsGranted > 20, "seed \(seed): leaders must change")
  }
}

/// The naive model's job.
private struct ModelJob {
  var lane: String
  var priority: Int
  var order: Int
  var state: JobState
  var attempts = 0
  var readyAt: Int64
  var expiresAt: Int64?
  var deadline: Int64 = 0
  var duration: Int64 = 0
}

private struct ModelSeat {
  var epoch: Epoch
  var executor: Int
  var incarnation: UInt64
  var deadline: Int64
  var held = true
  var resigned = false
}

private struct History {
  var bench: Bench
  var random: SplitMix64
  var jobs: [Int: ModelJob] = [:]
  var seats: [String: ModelSeat] = [:]
  var incarnations: [UInt64] = [1, 1, 1, 1]
  var maxWait: Int64?
  var mismatch: String?
  var epochsGranted = 0
  let limit = 3
  let lanes = ["main", "east"]
  let capacity = 60
  let leadership: Int64 = 400

  init(seed: UInt64) {
    maxWait = seed % 3 == 0 ? 150 : nil
    bench = Bench(
      QueueConfiguration(
        capacity: 60, deliveryLimit: 3,
        backoff: Backoff(base: .milliseconds(40), maximum: .milliseconds(200)),
        maxWait: maxWait.map { .milliseconds($0) }, leadershipLease: .milliseconds(400),
        recentCapacity: 100_000),
      seed: seed)
    random = SplitMix64(seed: seed &* 977)
  }

  var now: Int64 { bench.milliseconds }

  mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func expect<Value: Equatable>(_ found: Value, _ wanted: Value) {
    if found != wanted { mismatch = "the queue says \(found), the model \(wanted)" }
  }

  /// One random operation on both; its name.
  mutating func step() -> String {
    switch pick(0...99) {
    case 0..<28: return enqueue()
    case 28..<46: return lease()
    case 46..<64: return finish()
    case 64..<76: return pass()
    case 76..<82: return claim()
    case 82..<87: return renew()
    case 87..<91: return cancel()
    case 91..<94: return kick()
    case 94..<96: return touch()
    case 96: return resign()
    case 97: return restart()
    default: return stale()
    }
  }

  func problem(finishedToo: Bool) -> String? {
    if let mismatch { return mismatch }
    if let violation = bench.queue.invariantViolations().first { return violation }
    for (id, job) in jobs where finishedToo || bench.rows[id]?.state.isFinal != true || !job.state.isFinal {
      guard let row = bench.rows[id] else { return "\(id) has no row" }
      guard bench.queue.state(of: id) == job.state, row.state == job.state else {
        return
          "\(id): queue \(bench.queue.state(of: id)?.rawValue ?? "-"), row \(row.state), model \(job.state)"
      }
      if row.attempts != job.attempts { return "\(id): row \(row.attempts), model \(job.attempts) attempts" }
      if row.readyAt != Now.at(job.readyAt).wall { return "\(id): ready at another time" }
    }
    for lane in lanes where bench.queue.peek(lane: lane, limit: 100).map(\.id) != line(lane) {
      return "\(lane) stands as \(bench.queue.peek(lane: lane, limit: 100).map(\.id)), model \(line(lane))"
    }
    for (lane, seat) in seats where bench.leadership[lane]?.epoch != seat.epoch {
      return "\(lane): epoch \(String(describing: bench.leadership[lane])), model \(seat.epoch)"
    }
    return nil
  }

  /// The ready jobs of a lane in order.
  func line(_ lane: String) -> [Int] {
    func level(_ job: ModelJob) -> Int64 {
      max(0, Int64(job.priority) - (maxWait.map { (now - job.readyAt) / $0 } ?? 0))
    }
    return jobs.filter { $0.value.state == .ready && $0.value.lane == lane }
      .sorted { (level($0.value), $0.value.order) < (level($1.value), $1.value.order) }.map(\.key)
  }

  mutating func lane() -> String { lanes[pick(0...3) == 0 ? 1 : 0] }

  func token(_ lane: String) -> LeaderToken? {
    seats[lane].map { LeaderToken(lane: lane, executor: $0.executor, epoch: $0.epoch) }
  }

  func isLive(_ lane: String) -> Bool { seats[lane].map { $0.held && now < $0.deadline } ?? false }

  mutating func comeBack(_ id: Int, at readyAt: Int64) {
    guard var job = jobs[id] else { return }
    job.readyAt = readyAt
    job.state = readyAt > now ? .delayed : .ready
    if let expiresAt = job.expiresAt, expiresAt <= now { job.state = .expired }
    jobs[id] = job
  }

  mutating func takeBack(_ id: Int) {
    if let job = jobs[id], job.attempts >= limit { jobs[id]?.state = .buried } else { comeBack(id, at: now) }
  }

  mutating func enqueue() -> String {
    let id = pick(0...9) == 0 ? pick(0...max(1, jobs.count)) : jobs.count
    let notBefore = pick(0...3) == 0 ? now + Int64(pick(-20...200)) : nil
    let expiresAt = pick(0...4) == 0 ? now + Int64(pick(0...600)) : nil
    let (priority, lane) = (pick(0...9), lane())
    let answer = bench.enqueue(id, priority: priority, lane: lane, notBefore: notBefore, expiresAt: expiresAt)
    if let known = jobs[id] {
      expect(answer, .duplicate(known.state))
    } else if jobs.values.count(where: { !$0.state.isFinal }) >= capacity {
      expect(answer, .full(capacity: capacity, retryAfter: .seconds(1)))
    } else {
      let readyAt = max(now, notBefore ?? now)
      jobs[id] = ModelJob(
        lane: lane, priority: priority, order: jobs.count, state: .ready, readyAt: readyAt,
        expiresAt: expiresAt)
      comeBack(id, at: readyAt)
      expect(answer, .enqueued(jobs[id]?.state ?? .done))
    }
    return "enqueue \(id)"
  }

  mutating func lease() -> String {
    let lane = lane()
    guard let token = token(lane) else { return "no lease: nobody leads" }
    let (count, duration) = (pick(1...4), Int64(pick(1...300)))
    let found = bench.lease(token, max: count, for: duration)
    guard isLive(lane) else {
      expect(found, nil)
      return "lease by a lapsed leader"
    }
    let wanted = Array(line(lane).prefix(count))
    expect(found, wanted)
    let deadline = now + duration
    for id in wanted {
      jobs[id]?.state = .leased
      jobs[id]?.attempts += 1
      jobs[id]?.deadline = deadline
      jobs[id]?.duration = duration
    }
    return "lease \(wanted)"
  }

  mutating func leasedJob() -> (Int, LeaderToken)? {
    let ids = jobs.filter { $0.value.state == .leased }.keys.sorted()
    guard let id = ids.randomElement(using: &random), let lane = jobs[id]?.lane, let token = token(lane)
    else { return nil }
    return (id, token)
  }

  mutating func finish() -> String {
    guard let (id, token) = leasedJob() else { return "nothing is leased" }
    switch pick(0...9) {
    case 0...6:
      expect(bench.ack(id, token), .acked(late: false))
      jobs[id]?.state = .done
      return "ack \(id)"
    case 7: return nackLater(id, token)
    case 8:
      expect(bench.nack(id, token, countsAsAttempt: false), answerOfHandBack(id))
      return "hand back \(id)"
    default:
      expect(bench.write(bench.queue.bury(id, token, reason: "", now: bench.now)), .buried)
      jobs[id]?.state = .buried
      return "bury \(id)"
    }
  }

  mutating func answerOfHandBack(_ id: Int) -> NackAnswer {
    jobs[id]?.attempts -= 1
    comeBack(id, at: now)
    return .returned(jobs[id]?.state ?? .done, readyAt: bench.now.wall)
  }

  mutating func nackLater(_ id: Int, _ token: LeaderToken) -> String {
    let attempts = jobs[id]?.attempts ?? 0
    switch bench.nack(id, token) {
    case .buried(let count):
      expect(count, limit)
      jobs[id]?.state = .buried
    case .returned(let state, let readyAt):
      let delay = readyAt - bench.now.wall
      let ceiling = min(200, 40 << Int64(attempts - 1))
      expect(delay >= .milliseconds(ceiling / 2) && delay <= .milliseconds(ceiling) && attempts < limit, true)
      comeBack(id, at: now + delay.millisecondsClamped)
      expect(state, jobs[id]?.state ?? .done)
    case .fenced, .notLeased, .unknown: mismatch = "nack \(id) was refused"
    }
    return "nack \(id)"
  }

  mutating func pass() -> String {
    let time = Int64(pick(1...60))
    let tick = bench.pass(time)
    let ids = jobs.keys.sorted { (jobs[$0]?.order ?? 0) < (jobs[$1]?.order ?? 0) }
    var due: Set<Int> = []
    for id in ids {
      guard let job = jobs[id] else { continue }
      if job.state == .ready || job.state == .delayed, let expiresAt = job.expiresAt, expiresAt <= now {
        jobs[id]?.state = .expired
      } else if job.state == .leased, job.deadline <= now {
        takeBack(id)
      } else if job.state == .delayed, job.readyAt <= now {
        jobs[id]?.state = .ready
        due.insert(id)
      }
    }
    expect(Set(tick.becameReady), due)
    for lane in lanes where seats[lane] != nil && !isLive(lane) { seats[lane]?.held = false }
    expect(bench.queue.nextDeadline(now: bench.now) == .zero, false)
    return "pass \(time)"
  }

  mutating func claim() -> String {
    let (lane, executor) = (lane(), pick(1...3))
    if pick(0...3) == 0 { incarnations[executor] += 1 }
    let answer = bench.claim(executor, lane: lane, incarnation: incarnations[executor])
    let deadline = bench.now.monotonic + .milliseconds(leadership)
    let end = now + leadership
    if let seat = seats[lane] {
      if seat.executor == executor, seat.incarnation == incarnations[executor],
        !seat.resigned
      {
        expect(answer, .resumed(seat.epoch, deadline: deadline))
        seats[lane]?.deadline = end
        seats[lane]?.held = true
        return "resume \(lane)"
      }
      if isLive(lane), executor < seat.executor {
        if case .heldBy(let record) = answer {
          expect(record.executor, seat.executor)
        } else {
          expect(true, false)
        }
        return "claim of \(lane) refused"
      }
    }
    epochsGranted += 1
    let epoch = (seats[lane]?.epoch ?? 0) + 1
    seats[lane] = ModelSeat(
      epoch: epoch, executor: executor, incarnation: incarnations[executor], deadline: end)
    let held = jobs.filter { $0.value.state == .leased && $0.value.lane == lane }.map(\.key)
    for id in held { takeBack(id) }
    let order = held.sorted { (jobs[$0]?.order ?? 0) < (jobs[$1]?.order ?? 0) }
    expect(
      answer,
      .granted(
        epoch, deadline: deadline, returned: order.filter { jobs[$0]?.state == .ready },
        buried: order.filter { jobs[$0]?.state == .buried }))
    return "claim \(lane) for \(executor)"
  }

  mutating func renew() -> String {
    let lane = lane()
    guard let token = token(lane) else { return "nobody renews" }
    let answer = bench.queue.renew(token, now: bench.now)
    let end = now + leadership
    if isLive(lane) {
      expect(answer, .renewed(deadline: bench.now.monotonic + .milliseconds(leadership)))
      seats[lane]?.deadline = end
    } else {
      expect(answer, .fenced(Fence(yours: token.epoch, current: token.epoch, holder: nil)))
    }
    return "renew \(lane)"
  }

  mutating func cancel() -> String {
    let id = pick(0...max(0, jobs.count))
    let answer = bench.write(bench.queue.cancel(id, reason: "", now: bench.now))
    switch jobs[id]?.state {
    case nil: expect(answer, .unknown)
    case .cancelled: expect(answer, .alreadyCancelled)
    case .leased: expect(answer, .tooLate(.leased, holder: token(jobs[id]?.lane ?? "")))
    case .done: expect(answer, .tooLate(.done, holder: nil))
    case .expired: expect(answer, .tooLate(.expired, holder: nil))
    case .ready, .delayed, .buried:
      expect(answer, .cancelled)
      jobs[id]?.state = .cancelled
    }
    return "cancel \(id)"
  }

  mutating func kick() -> String {
    let count = pick(1...5)
    let buried = jobs.filter { $0.value.state == .buried }.sorted { $0.value.order < $1.value.order }
    let wanted = Array(buried.prefix(count).map(\.key))
    expect(bench.write(bench.queue.kickAll(limit: count, now: bench.now)), wanted)
    for id in wanted {
      jobs[id]?.attempts = 0
      comeBack(id, at: now)
    }
    return "kick \(wanted)"
  }

  mutating func touch() -> String {
    guard let (id, token) = leasedJob() else { return "nothing to touch" }
    let answer = bench.write(bench.queue.touch(id, token, duration: .milliseconds(90), now: bench.now))
    expect(answer, .touched(deadline: bench.now.monotonic + .milliseconds(90)))
    let end = now + 90
    jobs[id]?.deadline = end
    return "touch \(id)"
  }

  mutating func resign() -> String {
    let lane = lane()
    guard let token = token(lane) else { return "nobody resigns" }
    expect(bench.write(bench.queue.resign(token, now: bench.now)), .resigned)
    seats[lane]?.held = false
    seats[lane]?.resigned = true
    for id in jobs.filter({ $0.value.state == .leased && $0.value.lane == lane }).map(\.key) {
      jobs[id]?.attempts -= 1
      takeBack(id)
    }
    return "resign \(lane)"
  }

  /// Leases and leadership get their full duration again; all else is as it was.
  mutating func restart() -> String {
    bench.restart()
    let (start, end) = (now, now + leadership)
    for (id, job) in jobs where job.state == .leased { jobs[id]?.deadline = start + job.duration }
    for lane in lanes where seats[lane]?.held == true { seats[lane]?.deadline = end }
    return "restart"
  }

  /// A call under the epoch before the current one changes nothing.
  mutating func stale() -> String {
    guard let (id, token) = leasedJob(), token.epoch > 1 else { return "nobody is stale" }
    var old = token
    old.epoch -= 1
    if case .fenced(let fence) = bench.ack(id, old) {
      expect(fence.current, token.epoch)
    } else {
      expect(true, false)
    }
    if case .fenced = bench.nack(id, old) {} else { expect(true, false) }
    expect(bench.lease(old), nil)
    return "stale calls about \(id)"
  }
}
