import FoundationEssentials
import OrderDomain
import Testing

/// Every settled state but `failed`, which an operator can kick back, is final.
@Test(arguments: OrderState.allCases) func onlySettledStatesAreFinal(_ state: OrderState) {
  #expect(state.successors.isEmpty == (state.isSettled && state != .failed))
  #expect(!state.successors.contains(state))
}

@Test(arguments: [
  (OrderState.received, OrderState.verifying, true), (.verifying, .approved, true),
  (.approved, .queued, true),
  (.queued, .executing, true), (.executing, .executed, true), (.verifying, .rejected, true),
  (.verifying, .interrupted, true), (.interrupted, .verifying, true), (.executing, .queued, true),
  (.executing, .failed, true), (.failed, .queued, true), (.queued, .cancelled, true),
  (.queued, .expired, true),
  // No state is skipped, and what is executing can be neither cancelled nor expired any more.
  (.received, .approved, false), (.verifying, .queued, false), (.approved, .executing, false),
  (.queued, .executed, false), (.executing, .cancelled, false), (.executing, .expired, false),
  (.executed, .queued, false), (.rejected, .verifying, false), (.cancelled, .queued, false),
  (.failed, .executed, false), (.approved, .rejected, false),
])
func transitions(from: OrderState, to: OrderState, allowed: Bool) {
  #expect(from.canBecome(to) == allowed)
}

@Test func everyStateIsReachedFromReceivedAndCanSettle() {
  func reachable(_ start: OrderState) -> Set<OrderState> {
    var found: Set<OrderState> = [start]
    var open = [start]
    while let state = open.popLast() {
      for next in state.successors where found.insert(next).inserted { open.append(next) }
    }
    return found
  }
  #expect(reachable(.received) == Set(OrderState.allCases))
  for state in OrderState.allCases { #expect(reachable(state).contains { $0.isSettled }, "\(state)") }
  for state in OrderState.allCases where !state.isSettled {
    #expect(reachable(state).contains(.executed), "\(state)")
  }
}

@Test func anInvalidTransitionNamesBothStates() {
  let error = InvalidTransition(from: .executed, to: .queued)
  #expect(error.description == "an order that is executed cannot become queued")
}
