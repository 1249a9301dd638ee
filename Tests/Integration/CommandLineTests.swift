import Foundation
import Testing

/// What ordersctl makes of its surroundings: a variable, standard output, executors beyond the usual ones.
extension Integration {
  @Suite("The command line")
  struct CommandLineTests {
    @Test("A server's port that there cannot be is a usage error", arguments: ["99999", "65536", "0"])
    func port(number: String) async throws {
      let result = try await Programs.run(
        Programs.ordersctl, ["list"], environment: ["ORDERSD_SERVER": "http://127.0.0.1:\(number)"])
      #expect(result.status == 64 && result.errors.contains("from 1 to 65535"), "\(result)")
    }

    @Test("Data that cannot be written is a failure, and is told; a reader that has had enough is none")
    func standardOutput() async throws {
      func completions(_ place: String) async throws -> ProgramResult {
        try await Programs.run(
          URL(fileURLWithPath: "/bin/sh"),
          ["-c", "\"$0\" completions zsh \(place)", Programs.ordersctl.path])
      }
      let full = try await completions("> /dev/full")
      #expect(full.status == 1 && full.errors.contains("standard output"), "\(full)")
      let left = try await completions("| head -1")
      #expect(left.status == 0 && left.errors.isEmpty, "\(left)")
    }

    @Test("An executor beyond the ninth is found, whether it leads or not; to step down takes a leader")
    func farExecutor() async throws {
      try await Cluster.with { cluster in
        let far = Process()
        far.executableURL = Programs.ordersd
        far.arguments = [
          "executor", "--id", "12", "--state", cluster.state.path, "--port-offset", "\(cluster.portOffset)",
        ]
        far.standardInput = FileHandle.nullDevice
        far.standardOutput = FileHandle.nullDevice
        far.standardError = FileHandle.nullDevice
        try far.run()
        defer {
          far.terminate()
          far.waitUntilExit()
        }
        try await eventually("executor-12 leads", within: .seconds(30)) {
          let status = try await cluster.ordersctl("election", "status")
          return status.status == 0 && status.output.hasPrefix("leader  executor-12\n")
        }
        let left = try await cluster.ordersctl("election", "step-down", "--for", "1m", "-o", "json")
        #expect(left.status == 0 && left.output.contains("executor-12"), "\(left)")
        let again = try await cluster.ordersctl(
          "election", "step-down", "--executor", "127.0.0.1:\(50_072 + cluster.portOffset)")
        #expect(again.status == 5 && again.output.contains("was not leading"), "\(again)")
        try await eventually("another one leads, and executor-12 is still seen", within: .seconds(30)) {
          let status = try await cluster.ordersctl("election", "status")
          return status.status == 0 && status.output.hasPrefix("leader  executor-3\n")
            && status.output.contains("executor-12")
        }
      }
    }
  }
}
