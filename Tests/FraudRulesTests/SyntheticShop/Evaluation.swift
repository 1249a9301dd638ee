import FraudRules
import OrderDomain

/// What the rules make of the synthetic shop's orders: the same steps as the service's, without its shell.
struct Evaluation {
  struct Judged {
    let buyer: Buyer
    let amount: Int64
    let verdict: Assessment.Verdict
    /// Of the event that decided.
    let codes: [String]
  }

  let judged: [Judged]

  init(_ orders: [LabelledOrder], _ policy: FraudPolicy) {
    let rules = FraudRules(policy: policy)
    var memory = FraudMemory(policy: policy, capacity: 20_000)
    judged = orders.enumerated().map { number, labelled in
      let id = orderID(UInt64(number))
      let buyer = rules.screenBuyer(labelled.request)
      guard buyer.verdict != .reject else {
        return Judged(
          buyer: labelled.buyer, amount: labelled.amount.minorUnits, verdict: .reject,
          codes: buyer.findings.map(\.code))
      }
      let texts = TraceTexts(labelled.request, client: labelled.client)
      let traces = OrderTraces(
        card: hash(texts.card), email: hash(texts.email), address: hash(texts.address),
        client: texts.client.map(hash))
      let evidence = memory.observe(id, traces, amount: labelled.amount, now: labelled.at)
      let payment = rules.screenPayment(
        labelled.request, amount: labelled.amount, buyer: buyer, evidence: evidence)
      memory.settle(id, approved: payment.verdict != .reject, now: labelled.at)
      return Judged(
        buyer: labelled.buyer, amount: labelled.amount.minorUnits, verdict: payment.verdict,
        codes: (buyer.findings + payment.findings).map(\.code))
    }
  }

  /// Of the orders that were caught, how many are fraud; of the fraud, how much was caught.
  struct Quality: Equatable {
    let caught: Int
    let rightly: Int
    let fraud: Int
    let orders: Int
    /// Of the money that fraud asked for, how much was caught.
    let value: Double

    var precision: Double { caught == 0 ? 1 : Double(rightly) / Double(caught) }
    var recall: Double { fraud == 0 ? 1 : Double(rightly) / Double(fraud) }
    /// Of the honest orders, how many were caught.
    var falseAlarms: Double { Double(caught - rightly) / Double(max(orders - fraud, 1)) }
  }

  /// Caught: rejected, or with `orFlagged` also those marked for a person.
  func quality(orFlagged: Bool) -> Quality {
    let caught = judged.filter { $0.verdict == .reject || orFlagged && $0.verdict == .review }
    func fraudulent(_ some: [Judged]) -> Double {
      some.reduce(0) { $0 + ($1.buyer.isFraud ? Double($1.amount) : 0) }
    }
    return Quality(
      caught: caught.count, rightly: caught.count { $0.buyer.isFraud },
      fraud: judged.count { $0.buyer.isFraud }, orders: judged.count,
      value: fraudulent(caught) / max(fraudulent(judged), 1))
  }

}

/// FNV-1a: stands for the service's keyed hash.
private func hash(_ text: String) -> UInt64 {
  text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}

/// `0.9342` as `93.4 %`.
func percent(_ share: Double) -> String {
  let tenths = Int((share * 1_000).rounded())
  return "\(tenths / 10).\(tenths % 10) %"
}
