#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A column of a table.
struct Column {
  let title: String
  var isRight = false
  /// Shown by `-o wide` only.
  var isWide = false

  init(_ title: String, right: Bool = false, wide: Bool = false) {
    self.title = title
    isRight = right
    isWide = wide
  }
}

/// What can be a row of a table: the one output contract of every list. What `-o json` prints is a model of its own.
protocol ListRow {
  static var header: [Column] { get }
  /// One cell for each column of the header.
  var row: [String] { get }
  /// For `-o name`.
  var name: String { get }
}

/// Prints results in the format that was asked for.
struct Printer {
  let format: OutputFormat

  /// `json`: the whole answer. `notes`: lines below a table.
  func list<Row: ListRow>(_ rows: [Row], json: JSONValue, before: [String] = [], notes: [String] = []) throws
  {
    switch format {
    case .table, .wide:
      let table = rows.isEmpty && !before.isEmpty ? [] : [self.table(rows)]
      try output((before + table + notes).joined(separator: "\n"))
    case .json: try output(json.json())
    case .yaml: try output(json.yaml())
    case .name: if !rows.isEmpty { try output(rows.map(\.name).joined(separator: "\n")) }
    }
  }

  /// One thing: labelled lines. A field with an empty value is left out.
  func object(_ fields: [(label: String, value: String)], name: String, json: JSONValue) throws {
    switch format {
    case .table, .wide:
      let shown = fields.filter { !$0.value.isEmpty }
      let width = shown.map(\.label.count).max() ?? 0
      try output(shown.map { pad($0.label, width) + "  " + printable($0.value) }.joined(separator: "\n"))
    case .json: try output(json.json())
    case .yaml: try output(json.yaml())
    case .name: try output(name)
    }
  }

  private func table<Row: ListRow>(_ rows: [Row]) -> String {
    let columns = Row.header.indices.filter { format == .wide || !Row.header[$0].isWide }
    let lines =
      [columns.map { Row.header[$0].title }] + rows.map { item in columns.map { printable(item.row[$0]) } }
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.enumerated().map { number, cells in
      var line = cells.indices.map { index in
        Row.header[columns[index]].isRight
          ? String(repeating: " ", count: widths[index] - cells[index].count) + cells[index]
          : pad(cells[index], widths[index])
      }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return number == 0 ? Style.bold(line) : line
    }.joined(separator: "\n")
  }
}

private func pad(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

/// Colours, on a terminal only, and never with NO_COLOR (no-color.org).
enum Style {
  private static let isOn = isatty(1) == 1 && (getenv("NO_COLOR").map { $0.pointee == 0 } ?? true)

  static func bold(_ text: String) -> String { isOn ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
}
