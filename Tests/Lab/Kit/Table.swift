/// Columns of text, the first one to the left, the others to the right.
func columns(_ rows: [[String]]) -> String {
  let count = rows.map(\.count).max() ?? 0
  let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
  return rows.map { row in
    row.enumerated().map { column, text in
      let padding = String(repeating: " ", count: widths[column] - text.count)
      return column == 0 ? text + padding : padding + text
    }.joined(separator: "  ")
  }.joined(separator: "\n")
}

/// `412 ms`; a dash for none.
func milliseconds(_ duration: Duration?) -> String {
  guard let duration else { return "-" }
  return "\(Int((duration / .milliseconds(1)).rounded())) ms"
}
