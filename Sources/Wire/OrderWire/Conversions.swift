package import OrderDomain
package import OrderProtos
import SwiftProtobuf
package import VectorClock

// Between the messages on the wire and the domain. Decoding checks the shape; sense is for the rules.

/// Limits of what a peer may send.
package enum WireLimit {
  /// Processes in one vector clock.
  package static let clockComponents = 64
  /// Bytes of a process's name.
  package static let processName = 64
  /// Greatest counter in a clock: what a JSON number can hold exactly (RFC 8259 §6), far above what an order's
  /// history comes to.
  package static let clockCount: UInt64 = 1 << 53
  /// Items of one order.
  package static let orderItems = 1_000
  /// Bytes of a SKU in a basket, as in a catalog.
  package static let sku = 64
  /// Bytes of any text of an order.
  package static let text = 1_024
  /// Events in one check request.
  package static let events = 16
  /// Bytes of an order's body in the queue.
  package static let body = 65_536
}

extension VectorClock {
  /// Throws `invalid_argument` for a clock that is larger than the limits: so many `components`, none beyond `count`.
  package init(
    _ message: Ordersd_V1_VectorClock, components: Int = WireLimit.clockComponents,
    count: UInt64 = WireLimit.clockCount
  ) throws {
    guard message.entries.count <= components,
      message.entries.allSatisfy({ (1...WireLimit.processName).contains($0.process.utf8.count) })
    else {
      throw ServiceError(
        .invalidArgument,
        "clock: at most \(components) processes with names of 1 to \(WireLimit.processName) bytes"
      )
    }
    guard message.entries.allSatisfy({ $0.count <= count }) else {
      throw ServiceError(.invalidArgument, "clock: a counter must be at most \(count)")
    }
    self.init(message.entries.map { Entry(process: $0.process, count: $0.count) })
  }

  package var message: Ordersd_V1_VectorClock {
    .with { $0.entries = entries.map { Ordersd_V1_ClockEntry($0.process, $0.count) } }
  }
}

extension Ordersd_V1_ClockEntry {
  fileprivate init(_ process: String, _ count: UInt64) {
    self.init()
    self.process = process
    self.count = count
  }
}

extension Ordersd_V1_VectorClock {
  /// By process.
  package var components: [String: UInt64] {
    get { Dictionary(entries.map { ($0.process, $0.count) }, uniquingKeysWith: { $1 }) }
    set { entries = newValue.map { Ordersd_V1_ClockEntry($0.key, $0.value) } }
  }
}

extension OrderID {
  /// Throws `invalid_argument` unless `text` is a UUIDv7.
  package init(wire text: String) throws {
    guard let id = OrderID(text) else {
      throw ServiceError(.invalidArgument, "order_id: '\(text.prefix(64))' is not a UUIDv7")
    }
    self = id
  }
}

extension OrderRequest {
  package var message: Ordersd_V1_Order {
    .with {
      $0.name = customer.name
      $0.email = customer.email
      $0.items = items.map { item in
        .with {
          $0.sku = item.sku
          $0.quantity = Int64(item.quantity)
        }
      }
      $0.billingAddress = billingAddress.message
      if let shippingAddress { $0.shippingAddress = shippingAddress.message }
      if let shipping { $0.shippingMethod = shipping.method }
      $0.card = .with {
        $0.holder = payment.card.holder
        $0.number = payment.card.number
        $0.expiry = payment.card.expiry
        $0.cvv = payment.card.cvv
      }
      if let acceptTerms { $0.acceptTerms = acceptTerms }
      if let currency { $0.currency = currency }
      if let total { $0.total = total }
      if let priority { $0.priority = Int64(priority) }
    }
  }

  /// Throws `invalid_argument` when there are more items than the limit.
  package init(_ message: Ordersd_V1_Order) throws {
    guard message.items.count <= WireLimit.orderItems else {
      throw ServiceError(
        .invalidArgument, "order.items: at most \(WireLimit.orderItems), not \(message.items.count)")
    }
    self.init(
      customer: Customer(name: message.name, email: message.email),
      items: message.items.map { OrderItem(sku: $0.sku, quantity: Int($0.quantity)) },
      billingAddress: Address(message.billingAddress),
      shippingAddress: message.hasShippingAddress ? Address(message.shippingAddress) : nil,
      shipping: message.hasShippingMethod ? Shipping(method: message.shippingMethod) : nil,
      payment: Payment(
        card: Card(
          holder: message.card.holder, number: message.card.number, expiry: message.card.expiry,
          cvv: message.card.cvv)),
      acceptTerms: message.hasAcceptTerms ? message.acceptTerms : nil,
      currency: message.hasCurrency ? message.currency : nil,
      total: message.hasTotal ? message.total : nil,
      priority: message.hasPriority ? Int(clamping: message.priority) : nil)
  }
}

extension Address {
  var message: Ordersd_V1_Address {
    .with {
      $0.street = street
      $0.city = city
      $0.postalCode = postalCode
      $0.country = country
    }
  }

  init(_ message: Ordersd_V1_Address) {
    self.init(
      street: message.street, city: message.city, postalCode: message.postalCode, country: message.country)
  }
}

extension Money {
  package var message: Ordersd_V1_Money {
    .with {
      $0.minorUnits = minorUnits
      $0.currency = currency.code
    }
  }

  /// Throws `invalid_argument` for a currency that is not an ISO 4217 code.
  package init(_ message: Ordersd_V1_Money) throws {
    guard let currency = Currency(message.currency) else {
      throw ServiceError(
        .invalidArgument,
        "amount.currency: '\(message.currency.prefix(16))' is not an ISO 4217 code such as EUR")
    }
    self.init(minorUnits: message.minorUnits, currency: currency)
  }
}

extension Finding {
  package var wireMessage: Ordersd_V1_Finding {
    .with {
      $0.code = code
      $0.field = field
      $0.message = message
      $0.score = Int32(clamping: score)
    }
  }

  package init(_ message: Ordersd_V1_Finding) {
    self.init(code: message.code, field: message.field, message: message.message, score: Int(message.score))
  }
}
