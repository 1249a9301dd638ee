/// What was bought together with one item: at most so many partners, each with the weight of the baskets
/// that held both.
///
/// When there is no room for a new one, it takes over the place and the weight of the lightest:
/// "Space-Saving" (Metwally, Agrawal, El Abbadi, 2005), which keeps every frequent partner. How much was
/// taken over is remembered, so that a stranger is never mistaken for a friend.
struct Neighbours: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    /// Of the partner's row.
    var row: Int32
    /// Never less than the true weight.
    var weight: Double
    /// At most so much of it belongs to those whose place this was.
    var inherited: Double

    /// Never more than the true weight.
    var certain: Double { weight - inherited }
  }

  private(set) var entries: [Entry] = []

  init(_ entries: [Entry] = []) { self.entries = entries }

  /// Counts a basket with `row`. Returns how many entries were looked at: at most `capacity`.
  mutating func meet(_ row: Int32, weight: Double, capacity: Int) -> Int {
    var lightest = 0
    for index in entries.indices {
      if entries[index].row == row {
        entries[index].weight += weight
        return index + 1
      }
      if entries[index].weight < entries[lightest].weight { lightest = index }
    }
    if entries.count < capacity {
      entries.append(Entry(row: row, weight: weight, inherited: 0))
    } else {
      let inherited = entries[lightest].weight
      entries[lightest] = Entry(row: row, weight: inherited + weight, inherited: inherited)
    }
    return entries.count
  }

  mutating func scale(by factor: Double) {
    for index in entries.indices {
      entries[index].weight *= factor
      entries[index].inherited *= factor
    }
  }

  /// Rows have moved; nil for one that is gone.
  mutating func renumber(_ rows: [Int32?]) {
    entries = entries.compactMap { entry in
      rows[Int(entry.row)].map { Entry(row: $0, weight: entry.weight, inherited: entry.inherited) }
    }
  }
}
