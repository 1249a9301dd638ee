import Logging

/// The life of an order.
package enum OrderEvent: String, JournalEvent {
  case decided = "order-decided"
  case cancelled = "order-cancelled"
  case settled = "order-settled"
  case interrupted = "orders-interrupted"
  case executed = "order-executed"
  case failed = "order-failed"
  case retried = "order-retried"
  case handedBack = "order-handed-back"
  case leftToNext = "order-left"
  case fenced = "order-fenced"
  case outcomeRefused = "outcome-refused"
  case checkFailed = "check-failed"
  case checkUnavailable = "check-unavailable"
  case waiting = "orders-wait"
  case outcomesBroke = "outcomes-broke"
  case historyLost = "history-lost"
  case outcomeImpossible = "outcome-impossible"
  case clockViolation = "clock-violation"
  case clockUncovered = "clock-uncovered"
  case requestFailed = "request-failed"

  package var definition: EventDefinition {
    switch self {
    case .decided:
      .init("030bb634f47e46a7aca91c36fa700096", .info, "Order decided.")
    case .cancelled:
      .init("293c7bea502b49b89e028d5b28816172", .info, "Order cancelled.")
    case .settled:
      .init("e55afd04a899422aa4f04873226b4c7f", .info, "Order settled.")
    case .interrupted:
      .init(
        "189245a942ab4b43b33060609f7d7982", .notice,
        "Orders were cut off by the last stop; a repeat of their key resumes them.")
    case .executed:
      .init("359e0befb1094f2693fd6d511523b80d", .info, "Order executed.")
    case .failed:
      .init("ec2ac4bb5346438bb377da92715b3855", .warning, "Order failed.")
    case .retried:
      .init("ff20d3e6874c47ae906dbd3bc59ad54b", .info, "Order to be tried again.")
    case .handedBack:
      .init("20beb71fc29947e88b368f3cf2256ce8", .info, "Order handed back.")
    case .leftToNext:
      .init("5a45449fcf7e4c3ebd4809ac4fc6a8cb", .notice, "Order left to the next leader.")
    case .fenced:
      .init("6ba13bb426f2411283cdaf93c01de53f", .notice, "Refused: the epoch moved on.")
    case .outcomeRefused:
      .init("c5f726a51718489b8b13ce5415c9a658", .warning, "The queue refused the outcome of an order.")
    case .checkFailed:
      .init("74fe599bfff34cfca554b22939df7c24", .info, "Check failed.")
    case .checkUnavailable:
      .init("aa86af5462b743b386f76c5504777c18", .warning, "A check could not be made.")
    case .waiting:
      .init(
        "9b2f35992b5a4454a230f18ec01bf28e", .warning,
        "Approved orders wait: the order-queue does not take them.")
    case .outcomesBroke:
      .init(
        "5577aac7bbb149dcb119a7a8c033fc05", .warning,
        "The stream of outcomes broke; it is taken up again.")
    case .historyLost:
      .init(
        "2d6519a3a8d14a46b2c0516d363b4a82", .error,
        "The order-queue has lost its history; restore its database.")
    case .outcomeImpossible:
      .init("05282add7560409bb9a6a53a65725235", .error, "The queue tells of an impossible outcome.")
    case .clockViolation:
      .init("985f429c66c94afdaf8347d0ac17f3af", .warning, "Causality violation.")
    case .clockUncovered:
      .init(
        "479e47d0c2e4420487e870975bdc3849", .error,
        "A service knows of events that the final clock does not cover.")
    case .requestFailed:
      .init("61dd95055a574ea68f9db904ab649116", .error, "A request failed.")
    }
  }
}
