import DaemonKit
import Foundation
import JournalLog
import Logging
import Testing

@Suite("Reload")
struct ReloadTests {
  @Test("A level that changes does so for every logger of the process")
  func level() {
    let threshold = LogThreshold(.info)
    let writer = JournalWriter(send: { _ in 0 }, refused: { _, _ in })
    let handlers: [any LogHandler] = [
      JournalLogHandler(label: "x", threshold: threshold, writer: writer),
      StandardErrorLogHandler(
        label: "x", threshold: threshold, format: .text, inJournal: false, clocks: .system),
    ]
    var loggers = handlers.map { handler in Logger(label: "x") { _ in handler } }
    loggers[1].logLevel = .error
    threshold.level = .debug
    #expect(loggers[0].logLevel == .debug)
    #expect(loggers[1].logLevel == .error, "one that has a level of its own keeps it")
    var copy = loggers[0]
    copy.logLevel = .critical
    #expect(loggers[0].logLevel == .debug)
  }

  @Test("A report that is not there, or is something else, is none")
  func report() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("reload-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let report = try #require(ReloadReport(environment: ["RUNTIME_DIRECTORY": folder.path + ":/elsewhere"]))
    #expect(report.read() == nil)
    try Data("nonsense".utf8).write(to: folder.appendingPathComponent("reload"))
    #expect(report.read() == nil)
    try Data("12.1 refused\na\nb".utf8).write(to: folder.appendingPathComponent("reload"))
    let outcome = try #require(report.read())
    #expect(outcome.number == "12.1" && !outcome.isAdopted && outcome.text == "a\nb")
    #expect(ReloadReport(environment: [:]) == nil)
  }
}
