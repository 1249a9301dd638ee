import CoreTime
import OrderDomain
import PriorityQueue
import Testing
import VectorClock

@testable import OrderQueue

/// What the queue keeps in memory of what it has just written.
@Suite struct RecentTests {
  private func outcome(_ sequence: UInt64, items: Int = 0) -> StoredOutcome {
    StoredOutcome(
      sequence: sequence, id: OrderID(high: 1, low: sequence), kind: .executed,
      clock: VectorClock(), at: Timestamp(milliseconds: 0), executor: 1, epoch: 1, attempt: 1, reason: nil,
      basket: (0..<items).map { OrderItem(sku: "sku-\($0)", quantity: 1) })
  }

  private func sequences(_ page: [StoredOutcome]?) -> [UInt64]? { page.map { $0.map(\.sequence) } }

  @Test func aReaderThatKeepsUpGetsWhatIsNew() {
    let latest = LatestOutcomes()
    #expect(latest.page(after: 0, limit: 10) == nil)
    latest.append([outcome(8), outcome(9), outcome(10)])
    #expect(sequences(latest.page(after: 7, limit: 2)) == [8, 9])
    #expect(sequences(latest.page(after: 9, limit: 2)) == [10])
    #expect(sequences(latest.page(after: 10, limit: 2)) == [])
    // It has read on from the disk, and what it read is not here yet.
    #expect(sequences(latest.page(after: 12, limit: 2)) == [])
  }

  @Test func aReaderThatIsBehindAsksTheDisk() {
    let latest = LatestOutcomes()
    latest.append([outcome(8)])
    #expect(latest.page(after: 6, limit: 10) == nil)
    latest.append([outcome(11)])
    #expect(latest.page(after: 8, limit: 10) == nil, "9 and 10 are missing")
    #expect(sequences(latest.page(after: 10, limit: 10)) == [11])
    latest.forget()
    #expect(latest.page(after: 11, limit: 10) == nil)
  }

  @Test func theLatestAreBoundedWithTheirBaskets() {
    let latest = LatestOutcomes()
    for sequence in 1...UInt64(LatestOutcomes.limit * 3) { latest.append([outcome(sequence)]) }
    let last = UInt64(LatestOutcomes.limit * 3)
    #expect(latest.page(after: last - UInt64(LatestOutcomes.limit) - 1, limit: 1) == nil)
    #expect(sequences(latest.page(after: last - UInt64(LatestOutcomes.limit) / 2, limit: 1))?.count == 1)
    latest.append([outcome(last + 1, items: LatestOutcomes.limit)])
    #expect(latest.page(after: last, limit: 1) == nil, "larger than all that is kept")
  }

  @Test func rowsAreTakenOnceAndForgottenTogether() {
    let rows = RecentRows()
    rows.keep(RecentRows.Row(state: .ready, clock: VectorClock(), executor: nil, epoch: 0), of: 1)
    #expect(rows.take(1)?.state == .ready)
    #expect(rows.take(1) == nil)
    for sequence in 1...UInt64(RecentRows.limit.rows + 1) {
      rows.keep(RecentRows.Row(state: .ready, clock: VectorClock(), executor: nil, epoch: 0), of: sequence)
    }
    #expect(rows.take(1) == nil)
    #expect(rows.take(UInt64(RecentRows.limit.rows + 1)) != nil)
  }
}
