package import OrderProtos

/// How large a message of a stream may become. gRPC takes 4 MiB by default, on either side; far less, since the
/// parts are weighed roughly: their texts and bytes, and something for the rest.
package enum MessageSize {
  package static let limit = 1 << 20
}

extension Collection {
  /// In runs of `MessageSize.limit` at most; an element that is larger is a run by itself.
  package func messages(size: (Element) -> Int) -> [SubSequence] {
    var runs: [SubSequence] = []
    var start = startIndex
    var sum = 0
    for index in indices {
      let next = size(self[index])
      if index != start, next > MessageSize.limit - sum {
        runs.append(self[start..<index])
        (start, sum) = (index, 0)
      }
      sum += next
    }
    if start != endIndex { runs.append(self[start...]) }
    return runs
  }
}

extension Ordersd_V1_CheckRequest {
  package var roughSize: Int { 512 + clock.roughSize + order.roughSize }
}

extension Ordersd_V1_EnqueueRequest {
  package var roughSize: Int { 256 + clock.roughSize + body.count + basket.items.roughSize }
}

extension Ordersd_V1_CheckAnswer {
  package var roughSize: Int {
    switch answer {
    case .check(let reply): 256 + reply.clock.roughSize + reply.results.reduce(0) { $0 + $1.roughSize }
    case .settle(let reply): 64 + reply.clock.roughSize
    case .error(let error): 64 + error.message.utf8.count
    case nil: 64
    }
  }
}

extension Ordersd_V1_QueueAnswer {
  package var roughSize: Int {
    switch answer {
    case .peek(let reply): 512 + reply.job.clock.roughSize + reply.job.reason.utf8.count + reply.body.count
    case .enqueue(let reply): 64 + reply.clock.roughSize
    case .cancel(let reply): 128 + reply.clock.roughSize
    case .error(let error): 64 + error.message.utf8.count
    case nil: 64
    }
  }
}

extension Ordersd_V1_Outcome {
  package var roughSize: Int { 256 + clock.roughSize + reason.utf8.count + basket.items.roughSize }
}

extension Ordersd_V1_VectorClock {
  fileprivate var roughSize: Int { entries.reduce(0) { $0 + $1.process.utf8.count + 16 } }
}

extension Ordersd_V1_Order {
  fileprivate var roughSize: Int {
    let texts = [
      name, email, shippingMethod, currency, card.holder, card.number, card.expiry, card.cvv,
    ]
    return texts.reduce(256) { $0 + $1.utf8.count } + items.roughSize + billingAddress.roughSize
      + shippingAddress.roughSize
  }
}

extension Ordersd_V1_Address {
  fileprivate var roughSize: Int {
    street.utf8.count + city.utf8.count + postalCode.utf8.count + country.utf8.count
  }
}

extension [Ordersd_V1_Item] {
  fileprivate var roughSize: Int { reduce(0) { $0 + $1.sku.utf8.count + 16 } }
}

extension Ordersd_V1_EventResult {
  fileprivate var roughSize: Int {
    let findings = findings.reduce(0) {
      $0 + $1.code.utf8.count + $1.field.utf8.count + $1.message.utf8.count + 32
    }
    let suggestions = suggestions.reduce(0) { $0 + $1.sku.utf8.count + $1.title.utf8.count + 32 }
    return 64 + clock.roughSize + findings + suggestions
  }
}
