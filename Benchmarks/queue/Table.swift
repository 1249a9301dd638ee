import Foundation

/// Outcomes by contender and column; shows medians, and what they are of ordersd's.
struct Table {
  private var cells: [String: [Outcome]] = [:]

  mutating func add(_ outcome: Outcome, _ name: String, _ column: Int) {
    cells["\(name)/\(column)", default: []].append(outcome)
  }

  private func median(_ name: String, _ column: Int, _ value: (Outcome) -> Double) -> Double {
    let sorted = (cells["\(name)/\(column)"] ?? []).map(value).sorted()
    return percentile(0.5, of: sorted)
  }

  func text(_ contenders: [any Contender], _ what: String, _ columns: [Int]) -> String {
    var rows = [[what, "contender", "cycles/s", "p50 ms", "p99 ms", "ordersd is", "lowest … highest"]]
    for column in columns {
      let ours = median("ordersd", column) { $0.perSecond }
      for contender in contenders {
        let rate = median(contender.name, column) { $0.perSecond }
        let all = (cells["\(contender.name)/\(column)"] ?? []).map(\.perSecond)
        rows.append([
          "\(column)", contender.name, "\(Int(rate))",
          String(format: "%.2f", median(contender.name, column) { $0.p50 }),
          String(format: "%.2f", median(contender.name, column) { $0.p99 }),
          contender.name == "ordersd" || rate == 0 ? "" : String(format: "%.2f×", ours / rate),
          "\(Int(all.min() ?? 0)) … \(Int(all.max() ?? 0))",
        ])
      }
    }
    let widths = rows[0].indices.map { place in rows.map { $0[place].count }.max() ?? 0 }
    return rows.map { row in
      row.enumerated().map { place, cell in
        let gap = String(repeating: " ", count: widths[place] - cell.count)
        return place == 1 ? cell + gap : gap + cell
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
