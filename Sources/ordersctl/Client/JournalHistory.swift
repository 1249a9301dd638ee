import CoreTime
import JournalLog
import OrderDomain
import SystemdSupport
import VectorClock

/// An order's history from the journal alone, put in order by vector clocks and not by the time of any machine.
struct JournalHistory {
  struct Entry {
    let at: Timestamp
    let unit: String
    /// Whether systemd writes about the unit, and not the unit itself.
    let isOfManager: Bool
    /// Empty where the entry is of no named event.
    let event: String
    let message: String
    let clock: VectorClock?
  }

  /// systemd-journald: it dropped entries because a unit wrote too many.
  private static let suppressed = "a596d6fe7bfa4994828e72309e95d61e"
  /// More than one order can have.
  private static let mostEntries = 10_000
  /// Around the order's entries, in µs: what is dropped is told of afterwards.
  private static let margin: UInt64 = 60_000_000

  let entries: [Entry]
  /// Why something may be missing; empty when nothing is.
  let gaps: [String]

  /// `folder`: nil for this machine's journal. Throws `JournalReadError`.
  init(of order: OrderID, folder: String?) throws {
    let reader = try JournalReader(folder: folder)
    let found = try reader.entries([("ORDER_ID", "\(order)")], limit: Self.mostEntries)
    // Anybody can write an entry with this field; who wrote it is journald's word.
    var records = found.filter { Self.isOurs($0["_SYSTEMD_UNIT"]) }
    var gaps: [String] = []
    if records.count < found.count {
      gaps.append("\(found.count - records.count) entries are left out: no unit of ordersd wrote them")
    }
    if found.count == Self.mostEntries { gaps.append("only the first \(Self.mostEntries) entries were read") }
    let times = records.map(\.microseconds)
    if let first = times.min(), let last = times.max() {
      gaps += try Self.dropped(reader, records, (first &- min(first, Self.margin))...(last + Self.margin))
      records = try Self.joined(
        records, with: Self.manager(reader, records).filter { first...last ~= $0.microseconds })
    }
    if let oldest = reader.oldest(), Int64(clamping: oldest / 1_000) > order.time.milliseconds {
      gaps.append("the journal begins after the order: what is older is gone")
    }
    let read = records.map(Self.entry)
    gaps += Self.silent(read)
    entries = CausalOrder.sorted(read.map { .init(process: $0.unit, clock: $0.clock) }).map { read[$0] }
    self.gaps = gaps
  }

  private static func isOurs(_ unit: String?) -> Bool {
    guard let unit else { return false }
    let roles = [
      "orchestrator", "order-queue", "transaction-verification", "fraud-detection", "suggestions",
    ]
    return roles.contains { unit == "\($0).service" }
      || unit.hasPrefix("executor@") && unit.hasSuffix(".service")
  }

  /// What PID 1 says of the units that wrote, and of the executors that they name: started, timed out, killed.
  private static func manager(_ reader: JournalReader, _ records: [JournalRecord]) throws -> [JournalRecord] {
    let wrote = records.compactMap { $0["_SYSTEMD_UNIT"] }
    let named = records.compactMap { $0["EXECUTOR_ID"] }.map { "executor@\($0).service" }
    let units = Set(wrote + named).filter(isOurs).sorted()
    return try reader.entries([("_PID", "1")] + units.map { ("UNIT", $0) }, limit: mostEntries)
  }

  /// Each before the first entry of the same unit that is later; of a unit that wrote nothing, by time.
  private static func joined(_ records: [JournalRecord], with more: [JournalRecord]) -> [JournalRecord] {
    let writers = Set(records.map(unit))
    var all = records
    for record in more {
      let own = unit(of: record)
      let next = all.firstIndex {
        $0.microseconds > record.microseconds && (unit(of: $0) == own || !writers.contains(own))
      }
      all.insert(record, at: next ?? all.endIndex)
    }
    return all
  }

  private static func dropped(
    _ reader: JournalReader, _ records: [JournalRecord], _ time: ClosedRange<UInt64>
  ) throws -> [String] {
    let units = Set(records.compactMap { $0["_SYSTEMD_UNIT"] })
    let ids = [DaemonEvent.entriesDropped.definition.id, suppressed]
    return try reader.entries(ids.map { ("MESSAGE_ID", $0) }, limit: mostEntries).compactMap { record in
      guard time.contains(record.microseconds) else { return nil }
      let unit = record["OBJECT_SYSTEMD_UNIT"] ?? record["_SYSTEMD_UNIT"] ?? ""
      guard units.contains(unit) else { return nil }
      return
        "\(record["DROPPED"] ?? record["N_DROPPED"] ?? "some") entries of \(unit) were dropped near that time"
    }
  }

  /// Processes that took part, as the clocks say, and whose entries are not there. The checks and the queue have
  /// nothing to say about most orders.
  private static func silent(_ entries: [Entry]) -> [String] {
    let known = Set(entries.filter { !$0.isOfManager }.map(\.unit))
    let named = Set(entries.compactMap(\.clock).flatMap { $0.components.keys })
    let missing = named.filter { $0 == "orchestrator" || $0.hasPrefix("executor-") }
      .filter { !known.contains("\($0.replacing("executor-", with: "executor@")).service") }
    return missing.sorted().map { "\($0) took part, and nothing that it wrote is here" }
  }

  private static func unit(of record: JournalRecord) -> String {
    // PID 1 writes about a unit, its own is init.scope.
    record["_PID"] == "1" ? record["UNIT"] ?? "" : record["_SYSTEMD_UNIT"] ?? ""
  }

  private static func entry(_ record: JournalRecord) -> Entry {
    Entry(
      at: Timestamp(milliseconds: Int64(clamping: record.microseconds / 1_000)), unit: unit(of: record),
      isOfManager: record["_PID"] == "1", event: record["EVENT"] ?? "", message: record["MESSAGE"] ?? "",
      clock: record["VECTOR_CLOCK"].flatMap(VectorClock.init(_:)))
  }
}
