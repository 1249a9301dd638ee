import DaemonKit
import Foundation
import GRPCSupport
import Testing

/// Files that settings name.
struct SettingsFileTests {
  @Test func aFileThatIsTooLargeIsNotRead() async throws {
    try await withFile("12345") { path in
      try #expect(SettingsFile.read(path, limit: 5) == Data("12345".utf8))
      let error = #expect(throws: ConfigurationError.self) { try SettingsFile.read(path, limit: 4) }
      #expect(error?.problems == ["\(path): has 5 bytes; at most 4 are taken"])
    }
  }

  @Test func aFileThatTellsNoLengthIsBoundedAllTheSame() {
    #expect(throws: ConfigurationError.self) { try SettingsFile.read("/proc/self/status", limit: 4) }
  }

  @Test(.timeLimit(.minutes(1))) func aPipeIsRefusedAndNotWaitedFor() async throws {
    try await withFolder { folder in
      let path = "\(folder)/pipe"
      try #require(mkfifo(path, 0o600) == 0)
      let error = #expect(throws: ConfigurationError.self) { try SettingsFile.read(path, limit: 4) }
      #expect(error?.problems == ["\(path): cannot be measured (Illegal seek)"])
    }
  }
}
