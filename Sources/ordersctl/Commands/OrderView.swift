import OrderDomain

extension OrderModel: ListRow {
  static let header = [
    Column("ORDER"), Column("STATE"), Column("PRIORITY", right: true), Column("TOTAL", right: true),
    Column("EXECUTED BY"), Column("REASON"), Column("CREATED"), Column("ITEMS", wide: true),
    Column("CARD", wide: true), Column("FLAGGED", wide: true),
    Column("EPOCH", right: true, wide: true), Column("ATTEMPT", right: true, wide: true),
    Column("UPDATED", wide: true),
  ]

  var row: [String] {
    [
      orderId, state, priority.map(String.init) ?? "", total.map { "\($0)" } ?? "", executedBy,
      rejection?.code ?? reason ?? "", createdAt ?? "", itemsText, cardText,
      flagged == true ? "yes" : "",
      execution?.epoch.map(String.init) ?? "",
      execution?.attempt.map(String.init) ?? "", updatedAt ?? "",
    ]
  }

  var name: String { "order/\(orderId)" }

  /// Labelled lines for one order; empty ones are left out by the printer.
  var fields: [(label: String, value: String)] {
    var fields = [
      ("order", orderId), ("state", state), ("executed by", executedBy),
      ("priority", priority.map(String.init) ?? ""),
      ("total", total.map { "\($0)" } ?? ""), ("items", itemsText), ("card", cardText),
    ]
    if let rejection {
      let event = rejection.event.map { "\($0.id) (\($0.name))" } ?? ""
      fields += [
        ("event", event), ("service", rejection.service ?? ""), ("code", rejection.code),
        ("reason", rejection.reason ?? ""), ("retryable", rejection.retryable == true ? "yes" : "no"),
      ]
      for finding in rejection.findings ?? [] {
        let place = finding.field.map { $0.isEmpty ? "" : "\($0): " } ?? ""
        fields.append((place.isEmpty ? "finding" : "field", "\(place)\(finding.message) (\(finding.code))"))
      }
    }
    if flagged == true { fields.append(("flagged", "for review")) }
    for finding in findings ?? [] { fields.append(("finding", "\(finding.message) (\(finding.code))")) }
    if rejection == nil { fields.append(("reason", reason ?? "")) }
    if let suggestions {
      let titles = suggestions.items.map { item in item.title.map { "\($0) (\(item.sku))" } ?? item.sku }
      let degraded = suggestions.degraded == true ? (titles.isEmpty ? "none (degraded)" : " (degraded)") : ""
      fields.append(("suggestions", titles.joined(separator: ", ") + degraded))
    }
    fields += [("created", createdAt ?? ""), ("updated", updatedAt ?? "")]
    return fields
  }

  /// Who holds or did it: meaningful while executing and afterwards.
  private var executedBy: String {
    guard let executor = execution?.executor else { return "" }
    return executor
  }

  private var itemsText: String { (items ?? []).map { "\($0.quantity) × \($0.sku)" }.joined(separator: ", ") }
  private var cardText: String { card.map { "\($0.brand) …\($0.lastFour)" } ?? "" }
}

/// Prints an order, and ends the command with the code that its state stands for.
func finish(_ answer: Answer, target: OrderState?, _ output: OutputOptions) throws {
  let order = try answer.decode(OrderModel.self)
  try Printer(format: output.format).object(
    order.fields, name: order.name, json: try answer.decode(JSONValue.self))
  guard let exit = verdict(order, target: target) else { return }
  let wanted = target.map { ", not \($0.rawValue)" } ?? ""
  throw Failure(exit, "order \(order.orderId) is \(order.state)\(wanted)")
}
