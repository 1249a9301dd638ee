import DaemonKit
import GRPCSupport
import Glibc
import OrderProtos
import SystemdSupport
import Testing
import TransactionVerification

/// A listening socket at a port of the kernel's choice, as systemd would pass it.
private func makeSocket() throws -> PassedSocket {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let bound = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  try #require(bound == 0 && listen(descriptor, 16) == 0)
  return try #require(PassedSocket(descriptor: descriptor))
}

private func withVerification(
  at endpoint: NetworkEndpoint, _ socket: PassedSocket,
  _ body: @escaping @Sendable (RunningRole) async throws -> Void
) async throws {
  try await withRole("transaction-verification") { context in
    var context = context
    context.sockets = PassedSockets(["grpc": socket])
    let configuration = TransactionVerificationConfiguration(
      reader: SettingsReader(layers: [
        .flags(["bind": endpoint.host, "transaction-verification.port": "\(endpoint.port)"])
      ]))
    return try await buildTransactionVerification(configuration: configuration, context: context)
  } _: { role in
    try await body(role)
  }
}

@Suite("Sockets passed by systemd")
struct PassedSocketTests {
  @Test("A role listens on the socket that it was passed")
  func used() async throws {
    let socket = try makeSocket()
    #expect(socket.host == "127.0.0.1" && socket.port > 0)
    let endpoint = NetworkEndpoint(host: socket.host, port: socket.port)
    try await withVerification(at: endpoint, socket) { role in
      #expect(role.peer.endpoint == endpoint)
      let reply = try await role.peer.call(deadline: .seconds(10)) { client, options in
        try await Grpc_Health_V1_Health.Client(wrapping: client).check(.init(), options: options)
      }
      // It answers; that it is not ready yet is because nobody has told it so.
      #expect(reply.status == .notServing)
      #expect(!role.log.lines.contains { $0.contains("socket passed") })
    }
  }

  @Test("One that is elsewhere is closed, and told of")
  func elsewhere() async throws {
    let socket = try makeSocket()
    try await withVerification(at: NetworkEndpoint(host: "127.0.0.1", port: 0), socket) { role in
      #expect(role.peer.endpoint.port != socket.port)
      #expect(
        role.log.lines.contains {
          $0.hasPrefix("warning The socket passed by systemd is not where the settings say")
            && $0.contains("passed=127.0.0.1:\(socket.port)")
        })
      // Its number may have been given to another one since.
      #expect(PassedSocket(descriptor: socket.descriptor)?.port != socket.port)
    }
  }

  @Test("What is no socket is none")
  func none() {
    #expect(PassedSocket(descriptor: -1) == nil)
    #expect(PassedSockets().take("grpc") == nil)
  }
}
