import CheckoutFlow
import CoreTime
import OrderDomain
import OrderWire
import VectorClock

// What is written of an order at every step, as JSON. The same text as that of synthesized `Codable`, which reads it,
// without the cost of its containers.

enum RecordText {
  static func of(_ order: StoredOrder) -> String {
    var json = JSONWriter()
    order.write(to: &json)
    return json.text
  }

  static func of(_ entries: [TimelineEntry]) -> String {
    var json = JSONWriter()
    json.array(entries) { $1.write(to: &$0) }
    return json.text
  }
}

extension JSONWriter {
  fileprivate mutating func member(_ name: String, _ clock: VectorClock) {
    key(name)
    object { json in for entry in clock.entries { json.member(entry.process, entry.count) } }
  }

  fileprivate mutating func member(_ name: String, _ time: Timestamp) { member(name, time.milliseconds) }

  fileprivate mutating func member(_ name: String, _ findings: [Finding]) {
    key(name)
    array(findings) { json, finding in
      json.object { json in
        json.member("code", finding.code)
        json.member("field", finding.field)
        json.member("message", finding.message)
        json.member("score", finding.score)
      }
    }
  }

  fileprivate mutating func member(_ name: String, _ address: Address) {
    key(name)
    object { json in
      json.member("street", address.street)
      json.member("city", address.city)
      json.member("postalCode", address.postalCode)
      json.member("country", address.country)
    }
  }
}

extension TimelineEntry {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("at", at)
      json.member("actor", actor)
      if let event { json.member("event", event) }
      json.member("state", state)
      if let reason { json.member("reason", reason) }
      json.member("clock", clock)
    }
  }
}

extension StoredOrder {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("id", id.description)
      json.member("state", state.rawValue)
      json.member("priority", priority.level)
      writeContents(to: &json)
      if let rejection { rejection.write(to: &json) }
      if let findings { json.member("findings", findings) }
      if let suggestions { suggestions.write(to: &json) }
      if let execution {
        json.key("execution")
        json.object { json in
          json.member("executor", execution.executor)
          json.member("epoch", execution.epoch)
          json.member("attempt", execution.attempt)
        }
      }
      if let cancellation {
        json.key("cancellation")
        json.object { json in
          json.member("reason", cancellation.reason)
          json.member("requestedAt", cancellation.requestedAt)
        }
      }
      if let reason { json.member("reason", reason) }
      json.member("clock", clock)
      json.member("createdAt", createdAt)
      json.member("updatedAt", updatedAt)
    }
  }

  /// What the customer asked for.
  private func writeContents(to json: inout JSONWriter) {
    if let total {
      json.key("total")
      json.object { json in
        json.member("minorUnits", total.minorUnits)
        json.member("currency", total.currency.code)
      }
    }
    json.key("customer")
    json.object { json in
      json.member("name", customer.name)
      json.member("email", customer.email)
    }
    json.key("items")
    json.array(items) { json, item in
      json.object { json in
        json.member("sku", item.sku)
        json.member("quantity", item.quantity)
      }
    }
    json.member("billingAddress", billingAddress)
    if let shippingAddress { json.member("shippingAddress", shippingAddress) }
    if let shipping {
      json.key("shipping")
      json.object { $0.member("method", shipping.method) }
    }
    json.key("card")
    json.object { json in
      json.member("brand", card.brand.rawValue)
      json.member("lastFour", card.lastFour)
      json.member("fingerprint", card.fingerprint)
    }
  }
}

extension Rejection {
  fileprivate func write(to json: inout JSONWriter) {
    json.key("rejection")
    json.object { json in
      json.key("event")
      json.object { json in
        json.member("id", event.id)
        json.member("name", event.name)
      }
      json.member("service", service)
      json.member("code", code)
      json.member("reason", reason)
      json.member("retryable", retryable)
      json.member("findings", findings)
    }
  }
}

extension StoredOrder.Suggestions {
  fileprivate func write(to json: inout JSONWriter) {
    json.key("suggestions")
    json.object { json in
      json.member("degraded", degraded)
      json.key("items")
      json.array(items) { json, item in
        json.object { json in
          json.member("sku", item.sku)
          json.member("title", item.title)
        }
      }
    }
  }
}
