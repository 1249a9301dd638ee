/// A field of the journal as ordersd fills it. docs/JOURNAL.md and ordersd-journal-fields(7) have the same
/// table.
package struct JournalField: Sendable, Hashable {
  package let name: String
  /// Keys of log metadata that become this field.
  package let keys: [String]
  package let meaning: String

  private init(_ name: String, _ keys: [String], _ meaning: String) {
    self.name = name
    self.keys = keys
    self.meaning = meaning
  }

  /// Every field that is documented. Other metadata becomes fields by one rule, `name(for:)`.
  package static let table: [JournalField] =
    own + [
      .init("ORDER_ID", ["order_id"], "The order. Its history is `journalctl ORDER_ID=…`."),
      .init(
        "TRACE_ID", ["trace_id"],
        "The order as a W3C trace id: the 32 hexadecimal digits of `ORDER_ID`, unless the entry gives another."
      ),
      .init("STATE", ["state"], "The state that an order or a job is in now."),
      .init(
        "VECTOR_CLOCK", ["vector_clock", "clock"],
        "The order's clock at this entry: what happened before what, also when the machine's clock is wrong."),
      .init("FINAL_CLOCK", ["final_clock"], "The order's clock at its decision."),
      .init("REASON", ["reason", "code"], "Why: a sentence, or a code of docs/ERRORS.md."),
      .init("ERROR", ["error"], "What went wrong, in the words of whoever refused."),
      .init("CHECKOUT_EVENT", ["event"], "The event of the checkout that decided, a to g."),
      .init("CHECKOUT_EVENTS", ["events"], "The events of a call, with commas."),
      .init("SERVICE", ["service"], "The role that is called, or that rejected an order."),
      .init("EXECUTOR_ID", ["executor"], "The number of the executor that it is about."),
      .init("TERM", ["term"], "The outcome of the latest election, as a number."),
      .init("EPOCH", ["epoch"], "The right to act that the queue has granted, as a number."),
      .init("CURRENT_EPOCH", ["current_epoch"], "The epoch that took its place."),
      .init("LANE", ["lane"], "What is led."),
      .init("LEADER", ["leader"], "Who leads, as `executor-3`."),
      .init("HOLDER", ["holder"], "Who holds the epoch, as `executor-3`."),
      .init("ATTEMPT", ["attempt"], "For the how manieth time an order is carried out."),
      .init("CAUSE", ["cause"], "What made a job change."),
    ]

  /// What every entry has.
  private static let own: [JournalField] = [
    .init("MESSAGE", [], "A constant sentence, then what differs as `name=value`."),
    .init("PRIORITY", [], "As in syslog(3): 7 debug … 2 critical."),
    .init("SYSLOG_IDENTIFIER", [], "The process: `order-queue`, `executor-3`."),
    .init("ROLE", [], "The same; `ROLE=executor-3` finds it on all hosts of a merged journal."),
    .init("MESSAGE_ID", [], "Which event it is; `journalctl -x` explains it."),
    .init("EVENT", [], "The name of that event."),
    .init("CODE_FILE", [], "Where it was logged: module and file."),
    .init("CODE_LINE", [], "The line."),
    .init("CODE_FUNC", [], "The function."),
  ]

  private static let known = Dictionary(
    table.flatMap { field in field.keys.map { ($0, field.name) } }, uniquingKeysWith: { first, _ in first })
  private static let reserved = Set(own.map(\.name))
  /// Longer names are refused by the journal.
  private static let longestName = 64

  /// The field for a key of log metadata: that of the table, else the key in capitals, with `_` for what the
  /// journal does not allow (systemd.journal-fields(7)), and `X_` before what would begin with `_` or a digit
  /// or would hide a field of every entry.
  package static func name(for key: String) -> String {
    if let name = known[key] { return name }
    var bytes = key.utf8.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
      default: UInt8(ascii: "_")
      }
    }
    let isBare = bytes.first.map { $0 == UInt8(ascii: "_") || $0 <= UInt8(ascii: "9") } ?? true
    if isBare || reserved.contains(String(decoding: bytes, as: UTF8.self)) {
      bytes = Array("X_".utf8) + bytes
    }
    return String(decoding: bytes.prefix(longestName), as: UTF8.self)
  }

  /// The trace that an entry about this order belongs to; nil where the text is not an order's id. An order's id is
  /// a UUID, 16 bytes and never zero, which is all that a trace id has to be (W3C Trace Context, §3.2.2.3).
  package static func traceID(ofOrder text: String) -> String? {
    let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
    guard text.utf8.count == 36, digits.count == 32, digits.contains(where: { $0 != UInt8(ascii: "0") }),
      digits.allSatisfy({
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0
      })
    else { return nil }
    return String(decoding: digits, as: UTF8.self)
  }

  /// The value of a field: an executor's number has no name before it.
  package static func value(_ value: String, of name: String) -> String {
    let prefix = "executor-"
    return name == "EXECUTOR_ID" && value.hasPrefix(prefix) ? String(value.dropFirst(prefix.count)) : value
  }
}
