import CoreTime
import Foundation
import OrderDomain
import Testing

@testable import Executor

@Suite struct CommandFulfilmentTests {
  private func order(body: String = #"{"items":[]}"#) throws -> FulfilmentOrder {
    let id = try #require(OrderID("0192f3a1-7b2c-7def-8123-456789abcdef"))
    return FulfilmentOrder(id: id, body: Array(body.utf8), epoch: 12, attempt: 2, executor: "executor-3")
  }

  private func shell(
    _ script: String, timeout: Duration = .seconds(20), environment: [String: String] = [:]
  ) -> CommandFulfilment {
    CommandFulfilment(command: ["/bin/sh", "-c", script], timeout: timeout, environment: environment)
  }

  @Test func exitZeroIsDoneWithWhatItSaid() async throws {
    #expect(await shell("echo shipped").fulfil(try order()) == .done(note: "shipped"))
  }

  @Test func exit75IsToBeTriedAgain() async throws {
    let result = await shell("echo busy >&2; exit 75").fulfil(try order())
    #expect(result == .tryAgain(reason: "exit status 75: busy"))
  }

  @Test func anyOtherExitIsFinal() async throws {
    #expect(await shell("exit 1").fulfil(try order()) == .failed(reason: "exit status 1"))
  }

  @Test func theReasonIsTheEndOfWhatItComplained() async throws {
    let result = await shell("head -c 200000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 3").fulfil(
      try order())
    guard case .failed(let reason) = result else {
      Issue.record("\(result)")
      return
    }
    #expect(reason.utf8.count <= CommandFulfilment.keptOutput)
    #expect(reason.hasPrefix("exit status 3: xxx"))
  }

  @Test func theOrderComesOnStandardInput() async throws {
    #expect(await shell("cat").fulfil(try order(body: #"{"a":"ü"}"#)) == .done(note: #"{"a":"ü"}"#))
  }

  @Test func aCommandNeedNotReadItsInput() async throws {
    let large = String(repeating: "x", count: 300_000)
    #expect(await shell("exec <&-; echo ok").fulfil(try order(body: large)) == .done(note: "ok"))
  }

  @Test func theEnvironmentIsClean() async throws {
    let daemon = [
      "PATH": "/usr/bin:/bin", "HOME": "/nowhere", "LANG": "C.UTF-8", "NOTIFY_SOCKET": "/run/x",
      "CREDENTIALS_DIRECTORY": "/run/credentials", "ORDERSD_X": "1",
    ]
    let result = await shell("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | sort", environment: daemon)
      .fulfil(try order())
    let id = "0192f3a1-7b2c-7def-8123-456789abcdef"
    let expected = [
      "ATTEMPT=2", "EPOCH=12", "EXECUTOR_ID=executor-3", "FENCING_TOKEN=12", "HOME=/nowhere",
      "IDEMPOTENCY_KEY=\(id)", "LANG=C.UTF-8", "ORDER_ID=\(id)", "PATH=/usr/bin:/bin",
    ]
    #expect(result == .done(note: expected.joined(separator: "\n")))
  }

  @Test func aHangingCommandIsKilledWithItsChildren() async throws {
    let started = ContinuousClock.now
    let result = await shell("trap '' TERM; sleep 60 & sleep 60", timeout: .milliseconds(300)).fulfil(
      try order())
    #expect(result == .tryAgain(reason: "timed out after 0.3 seconds"))
    #expect(ContinuousClock.now - started < .seconds(15))
  }

  /// The command ends by the signal; what it started does not.
  @Test func whatACommandLeavesBehindEndsBeforeItsAnswer() async throws {
    let file = FileManager.default.temporaryDirectory.path + "/ordersd-child-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let child = "trap '' TERM; echo $$ > \(file); while :; do sleep 0.1; done"
    let command = shell(
      "sh -c \"\(child.replacing("$", with: "\\$"))\" > /dev/null 2>&1 & wait", timeout: .seconds(1))
    #expect(await command.fulfil(try order()) == .tryAgain(reason: "timed out after 1.0 seconds"))
    let process = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(
      in: .whitespacesAndNewlines)
    let stat = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    #expect(stat.isEmpty || stat.contains(") Z "), "\(stat)")
  }

  @Test(arguments: [
    ("12 (sh) S 1 7 7 0", true), ("12 (a b) c) R 1 7 7 0", true), ("12 (sh) Z 1 7 7 0", false),
    ("12 (sh) S 1 8 7 0", false), ("", false), ("12 (sh", false), ("12 (sh)", false),
  ])
  func aGroupIsToldFromItsProcesses(stat: String, isAlive: Bool) {
    #expect(ProcessGroup.isAlive(in: 7, stat) == isAlive)
  }

  @Test func whatIsCompletedAfterSIGTERMIsDone() async throws {
    let command = shell("trap 'echo ok; exit 0' TERM; sleep 60 & wait", timeout: .milliseconds(300))
    #expect(await command.fulfil(try order()) == .done(note: "ok"))
  }

  @Test func whatFailsForGoodAfterSIGTERMHasFailed() async throws {
    let command = shell("trap 'echo no >&2; exit 3' TERM; sleep 60 & wait", timeout: .milliseconds(300))
    #expect(await command.fulfil(try order()) == .failed(reason: "exit status 3: no"))
  }

  @Test(arguments: [75, 143]) func anOpenEndAfterSIGTERMIsATimeout(status: Int) async throws {
    let command = shell("trap 'exit \(status)' TERM; sleep 60 & wait", timeout: .milliseconds(300))
    #expect(await command.fulfil(try order()) == .tryAgain(reason: "timed out after 0.3 seconds"))
  }

  @Test func aCommandMayEndWith143ByItself() async throws {
    #expect(await shell("exit 143").fulfil(try order()) == .failed(reason: "exit status 143"))
  }

  @Test func aKilledCommandHasGivenNoVerdict() async throws {
    guard case .tryAgain(let reason) = await shell("kill -9 $$").fulfil(try order()) else {
      Issue.record("a signal is not a verdict")
      return
    }
    #expect(reason.hasPrefix("killed by signal 9"))
  }

  @Test func theProbeFindsWhatIsMissing() {
    func command(_ words: [String], path: String = "/usr/bin:/bin") -> CommandFulfilment {
      CommandFulfilment(command: words, timeout: .seconds(1), environment: ["PATH": path])
    }
    #expect(command(["/bin/sh"]).problem() == nil)
    #expect(command(["sh"]).problem() == nil)
    #expect(command(["sh"], path: "/nonexistent").problem() == "sh is not an executable file")
    #expect(command(["/etc/passwd"]).problem() == "/etc/passwd is not an executable file")
    #expect(command(["/tmp"]).problem() == "/tmp is not an executable file")
  }
}
