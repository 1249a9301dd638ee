import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What `ordersd up` shows: progress on standard output, the children's logs on standard error, whole lines only.
final class Console: Sendable {
  private static let palette = [36, 33, 35, 32, 34, 96, 93, 95, 92, 94]

  private let width: Int
  private let colors: [String: Int]
  private let isColored: (output: Bool, error: Bool)
  private let lock = Mutex(())

  /// `names`: of everything whose lines are shown.
  init(names: [String]) {
    width = names.map(\.count).max() ?? 0
    colors = Dictionary(
      names.enumerated().map { ($1, Self.palette[$0 % Self.palette.count]) },
      uniquingKeysWith: { first, _ in first })
    let isWanted = getenv("NO_COLOR").map { $0.pointee == 0 } ?? true
    isColored = (isWanted && isatty(1) == 1, isWanted && isatty(2) == 1)
  }

  /// Lines of a child's log, in one write.
  func log(_ name: String, _ lines: [String]) {
    let prefix = name + String(repeating: " ", count: max(0, width - name.count)) + " │ "
    let shown = isColored.error ? "\u{1B}[\(colors[name] ?? 37)m\(prefix)\u{1B}[0m" : prefix
    let text = lines.reduce(into: "") { $0 += shown + $1 + "\n" }
    lock.withLock { _ in standardError(text) }
  }

  func success(_ line: String) { progress("✓", 32, line) }
  func notice(_ line: String) { progress("•", 33, line) }
  func failure(_ text: String) { lock.withLock { _ in standardError("ordersd up: \(text)\n") } }
  func plain(_ text: String) { lock.withLock { _ in standardOutput(text + "\n") } }

  private func progress(_ mark: String, _ color: Int, _ line: String) {
    let mark = isColored.output ? "\u{1B}[\(color)m\(mark)\u{1B}[0m" : mark
    lock.withLock { _ in standardOutput("\(mark) \(line)\n") }
  }
}

/// The last lines that a child wrote, for the message when it fails.
final class RecentLines: Sendable {
  private static let kept = 20
  private let lines = Mutex<[String]>([])

  func append(_ new: [String]) {
    lines.withLock { lines in
      lines += new.suffix(Self.kept)
      lines.removeFirst(max(0, lines.count - Self.kept))
    }
  }

  func all() -> [String] { lines.withLock { $0 } }
}
