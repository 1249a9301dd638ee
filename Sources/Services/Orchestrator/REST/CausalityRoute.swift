import CheckoutFlow
import CoreTime
import HTTPTypes
import Hummingbird
import NIOCore
import OrderDomain
import OrderWire
import VectorClock

extension RESTAPI {
  private static let dotType = "text/vnd.graphviz"

  /// `GET /v1/orders/{id}/causality`: what happened before what, rebuilt from the clocks alone; as a graph for
  /// Graphviz on request.
  func causality(_ request: Request, _ context: RESTContext) async throws -> Response {
    let query = try Self.query(request, known: ["format"])
    let id = try Self.id(context)
    let asksForDot: Bool
    switch query["format"] {
    case "dot": asksForDot = true
    case "json": asksForDot = false
    case nil: asksForDot = request.headers[.accept]?.lowercased().contains(Self.dotType) == true
    default: throw Self.parameter("format", "must be json or dot")
    }
    let (order, entries) = try await repository.history(of: id)
    let view = CausalityView(order, entries)
    guard asksForDot else {
      var response = JSONBody.response(view)
      response.headers[.vary] = "Accept"
      return response
    }
    return Response(
      status: .ok, headers: [.contentType: "\(Self.dotType); charset=utf-8", .vary: "Accept"],
      body: .init(byteBuffer: ByteBuffer(string: view.dot)))
  }
}

/// An order's history as a partial order, and whether it can have been so.
struct CausalityView: Encodable {
  enum Verdict: String, Encodable { case consistent, violated }

  struct Edge: Encodable {
    /// Sequence numbers of the timeline.
    let from: Int
    let to: Int
  }

  struct Violation: Encodable {
    let rule: String
    /// Who reports it; nil where the timeline shows it.
    let service: String?
    /// Sequence numbers of the timeline.
    let events: [Int]
    let message: String
  }

  let orderId: OrderID
  let state: OrderState
  let verdict: Verdict
  let events: [TimelineView.Entry]
  /// The transitive reduction of happened-before.
  let edges: [Edge]
  /// Pairs of events of which neither happened before the other.
  let concurrentPairs: Int
  let violations: [Violation]
  let clock: VectorClock
  /// Older events were left out.
  let truncated: Bool

  init(_ order: StoredOrder, _ entries: [TimelineEntry]) {
    let all = TimelineView(order.id, entries).entries
    let kept = all.suffix(CausalHistory.maximumEvents)
    let history = CausalHistory(
      kept.map { CausalEvent(process: $0.actor, clock: $0.clock, name: Self.name($0)) })
    let first = all.count - kept.count + 1
    let reported = kept.indices.filter { all[$0].state == ViolationRecorder.state && all[$0].event == nil }
    let reports = reported.map { Violation(reportedBy: all[$0]) }
    // What a service reports lies beyond the final clock by its nature, and is told once.
    let found = Self.audit.violations(of: history, finalClock: order.clock).filter { violation in
      violation.rule != .beyondFinal || !violation.events.contains { reported.contains($0 + first - 1) }
    }
    orderId = order.id
    state = order.state
    verdict = found.isEmpty && reports.isEmpty ? .consistent : .violated
    events = Array(kept)
    edges = history.edges.map { Edge(from: $0.from + first, to: $0.to + first) }
    concurrentPairs = history.concurrentPairs
    let shown = found.map { violation in
      Violation(
        rule: violation.rule.rawValue, service: nil, events: violation.events.map { $0 + first },
        message: violation.message)
    }
    violations = Array((reports + shown).prefix(CausalAudit.maximumViolations))
    clock = order.clock
    truncated = kept.count < all.count
  }

  /// The event table's predecessors. An event that did not pass waited for nothing.
  private static let audit = CausalAudit(
    requirements: EventTable.checkout.events.flatMap { event in
      event.after.map { .init($0, before: event.id) }
    },
    ticking: Set(EventTable.checkout.events.map(\.id)))

  /// What the table calls it, where it passed, so that the table's order can be asked of it.
  private static func name(_ entry: TimelineView.Entry) -> String {
    guard let event = entry.event else { return entry.state }
    return entry.state == EventResult.Outcome.passed.rawValue ? event : "\(event) \(entry.state)"
  }

  /// The graph in Graphviz's language: a node for each event, the edges of the reduction, violations in red.
  var dot: String {
    let wrong = Set(violations.flatMap(\.events))
    var lines = [
      "digraph causality {", "  label=\(Self.quoted("order \(orderId): \(verdict.rawValue)"));",
      "  rankdir=LR;",
      "  node [shape=box, fontname=\"sans-serif\"];",
    ]
    for (number, process) in Set(events.map(\.actor)).sorted().enumerated() {
      lines += ["  subgraph cluster_\(number) {", "    label=\(Self.quoted(process));"]
      for event in events where event.actor == process {
        let title = [event.event, event.eventName, event.state].compactMap { $0 }.joined(separator: " ")
        let colour = wrong.contains(event.sequence) ? ", color=red" : ""
        lines.append(
          "    e\(event.sequence) [label=\(Self.quoted("\(event.sequence) \(title)\n\(event.clock)"))\(colour)];"
        )
      }
      lines.append("  }")
    }
    lines += edges.map { "  e\($0.from) -> e\($0.to);" }
    lines += violations.filter { $0.events.count == 2 }.map {
      "  e\($0.events[0]) -> e\($0.events[1]) [style=dashed, color=red, label=\(Self.quoted($0.rule))];"
    }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// A quoted string of the DOT language; names of processes come from peers.
  private static func quoted(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
      "\n", with: "\\n")
    return "\"" + escaped + "\""
  }
}

extension CausalityView.Violation {
  /// What a service said when it was told that the order is over.
  init(reportedBy entry: TimelineView.Entry) {
    self.init(
      rule: "reported", service: entry.actor, events: [entry.sequence],
      message: entry.reason ?? "\(entry.actor) reports a violation")
  }
}
