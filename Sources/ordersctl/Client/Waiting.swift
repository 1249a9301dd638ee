import OrderDomain

/// Whether an order has got to where its user waits for it.
enum WaitResult: Equatable {
  case goOn
  case reached
  /// It has settled elsewhere, and will not get there.
  case settledElsewhere

  /// A state on the way to `executed` counts as reached when the order is past it.
  static func of(_ state: OrderState, waitingFor target: OrderState) -> WaitResult {
    if state == target { return .reached }
    if let here = position(state), let there = position(target), here > there { return .reached }
    return state.isSettled || state == .interrupted ? .settledElsewhere : .goOn
  }

  private static func position(_ state: OrderState) -> Int? {
    switch state {
    case .received: 0
    case .verifying: 1
    case .approved: 2
    case .queued: 3
    case .executing: 4
    case .executed: 5
    case .interrupted, .rejected, .cancelled, .expired, .failed: nil
    }
  }
}

extension OrdersClient {
  /// Asks for the order, at first every 50 ms and then up to every 500 ms, until it has reached `target`, has settled
  /// elsewhere, or `timeout` has passed (a `Failure` with exit 6; 5 when the server was not there at the end).
  ///
  /// A server that is not there is asked again, because it may be restarting. Every `Failure` names the order.
  func wait(for id: String, until target: OrderState, timeout: Duration) async throws -> Answer {
    let clock = ContinuousClock()
    let deadline = clock.now + timeout
    var pause = Duration.milliseconds(50)
    while true {
      let left = clock.now.duration(to: deadline)
      let reason: Failure
      do {
        let answer = try await get(
          "/v1/orders/\(id)", timeout: min(max(left, .milliseconds(500)), .seconds(10)))
        let order = try answer.decode(OrderModel.self)
        if let state = order.orderState, WaitResult.of(state, waitingFor: target) != .goOn { return answer }
        reason = Failure(
          Exit.timedOut, "order \(id) is \(order.state), not \(target.rawValue), after the time-out")
      } catch let failure as Failure {
        guard failure.exit == Exit.unavailable || failure.exit == Exit.timedOut else {
          throw Failure(failure.exit, failure.message + "\norder: \(id)")
        }
        reason = Failure(failure.exit, failure.message + "\norder \(id): what became of it is not known")
      }
      let remaining = clock.now.duration(to: deadline)
      guard remaining > .zero else { throw reason }
      try await Task.sleep(for: min(pause, remaining))
      pause = min(pause * 3 / 2, .milliseconds(500))
    }
  }
}

/// What a command that ends with `order` tells the shell: nil = success. `target`: what was waited for, if anything.
func verdict(_ order: OrderModel, target: OrderState?) -> Int32? {
  guard let state = order.orderState else { return nil }
  if let target, WaitResult.of(state, waitingFor: target) == .reached { return nil }
  switch state {
  case .rejected: return Exit.rejected
  case .interrupted: return Exit.unavailable
  case .failed, .cancelled, .expired: return Exit.failed
  case .executed: return target == nil ? nil : Exit.failed
  case .received, .verifying, .approved, .queued, .executing: return nil
  }
}
