import CoreTime

extension PriorityQueue {
  /// Does what is due at `now`, at most `maxTickWork` jobs of it; call it whenever `nextDeadline` has come.
  package mutating func tick(now: Now) -> Step<TickAnswer> {
    var answer = TickAnswer()
    var changes: [Change] = []
    var budget = configuration.maxTickWork
    if case .until(let end) = gate.pause, end <= now.wall {
      changes += resume().changes
      answer.pauseEnded = true
    }
    answer.leadershipExpired = ledger.expire(now: now.monotonic)
    changes += answer.leadershipExpired.map(Change.leadershipChanged)

    // Too late comes before due: what is both is never offered.
    while budget > 0, let first = expiries.first, first.key.time <= now.wall {
      budget -= 1
      let job = jobs[first.slot]
      if expireIfOverdue(job, now: now, &changes) { answer.expired.append(job.id) }
    }
    while budget > 0, let first = leased.first, first.key.time <= now.monotonic {
      budget -= 1
      let job = jobs[first.slot]
      counters.leasesExpired += 1
      switch takeBack(job, cause: .leaseExpired, now: now, &changes) {
      case .buried: answer.buried.append(job.id)
      case .expired: answer.expired.append(job.id)
      case .ready, .delayed, .leased, .done, .cancelled: answer.returned.append(job.id)
      }
    }
    while budget > 0, let first = delayed.first, first.key.time <= now.wall {
      budget -= 1
      var job = jobs[first.slot]
      job.state = .ready
      update(job, cause: .due, now: now, &changes)
      answer.becameReady.append(job.id)
    }
    while budget > 0, let first = ageing.first, first.key.time <= now.wall {
      budget -= 1
      promote(first.slot, now: now)
    }
    return Step(answer: answer, changes: changes)
  }

  /// How long until `tick` has something to do; zero when it has now, nil when never.
  ///
  /// Part of it is wall time, which can be set: sleep a second at most and ask again.
  package func nextDeadline(now: Now) -> Duration? {
    var wall = [delayed.first?.key.time, expiries.first?.key.time, ageing.first?.key.time]
    if case .until(let end) = gate.pause { wall.append(end) }
    let monotonic = [leased.first?.key.time, ledger.nextDeadline]
    let waits =
      wall.compactMap { $0 }.map { $0 - now.wall } + monotonic.compactMap { $0 }.map { $0 - now.monotonic }
    return waits.min().map { max(.zero, $0) }
  }
}
