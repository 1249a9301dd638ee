import GRPCCore
import GRPCSupport
import OrderProtos
import OrderWire

typealias SessionWriter = RPCWriter<Ordersd_V1_CheckSessionRequest>

/// The calls of transaction-verification, whose host is the same as that of the other two.
extension RunningRole {
  func verify(_ request: Ordersd_V1_CheckRequest) async throws -> Ordersd_V1_CheckReply {
    try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_TransactionVerification.Client(wrapping: client).check(request, options: options)
    }
  }

  func settle(_ request: Ordersd_V1_SettleRequest) async throws -> Ordersd_V1_SettleReply {
    try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_TransactionVerification.Client(wrapping: client).settle(request, options: options)
    }
  }

  /// Sends `first`; each message that comes is given to `react`, whose result is sent next, and nil
  /// half-closes. Returns all messages that came. Throws `ServiceError` for the status that the stream ended
  /// with.
  func converse(
    _ first: [Ordersd_V1_CheckCall],
    _ react: @escaping @Sendable (_ soFar: [Ordersd_V1_CheckAnswer]) async -> [Ordersd_V1_CheckCall]? = { _ in
      nil
    }
  ) async throws -> [Ordersd_V1_CheckSessionReply] {
    let (frames, send) = AsyncStream.makeStream(
      of: Ordersd_V1_CheckSessionRequest.self, bufferingPolicy: .bufferingOldest(64))
    send.yield(frame(first))
    return try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_TransactionVerification.Client(wrapping: client).session(
        options: options,
        requestProducer: { writer in
          for await frame in frames { try await writer.write(frame) }
        },
        onResponse: { response in
          // Without this the producer would wait for ever once the stream has failed.
          defer { send.finish() }
          var replies: [Ordersd_V1_CheckSessionReply] = []
          for try await reply in response.messages {
            replies.append(reply)
            if let calls = await react(replies.flatMap(\.answers)) {
              if !calls.isEmpty { send.yield(frame(calls)) }
            } else {
              send.finish()
            }
          }
          return replies
        })
    }
  }

  /// Sends `calls`, half-closes the stream, takes one message, and cancels the stream.
  func leaveAfterFirstReply(_ calls: [Ordersd_V1_CheckCall]) async throws -> [Ordersd_V1_CheckAnswer] {
    try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_TransactionVerification.Client(wrapping: client).session(
        options: options,
        requestProducer: { try await $0.write(frame(calls)) },
        onResponse: { response in
          for try await reply in response.messages { return reply.answers }
          return []
        })
    }
  }
}

extension RunningRole {
  func screen(_ request: Ordersd_V1_CheckRequest) async throws -> Ordersd_V1_CheckReply {
    try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_FraudDetection.Client(wrapping: client).check(request, options: options)
    }
  }

  func suggest(_ request: Ordersd_V1_CheckRequest) async throws -> Ordersd_V1_CheckReply {
    try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_Suggestions.Client(wrapping: client).check(request, options: options)
    }
  }

  func settleSuggestions(_ request: Ordersd_V1_SettleRequest) async throws -> Ordersd_V1_SettleReply {
    try await peer.call(deadline: .seconds(10)) { client, options in
      try await Ordersd_V1_Suggestions.Client(wrapping: client).settle(request, options: options)
    }
  }
}

func frame(_ calls: [Ordersd_V1_CheckCall]) -> Ordersd_V1_CheckSessionRequest {
  var frame = Ordersd_V1_CheckSessionRequest()
  frame.calls = calls
  return frame
}

func call(_ id: UInt64, _ call: Ordersd_V1_CheckCall.OneOf_Call) -> Ordersd_V1_CheckCall {
  var message = Ordersd_V1_CheckCall()
  message.correlationID = id
  message.call = call
  return message
}

func cancelCall(_ id: UInt64, order: String) -> Ordersd_V1_CheckCall {
  var cancel = Ordersd_V1_CancelCheckRequest()
  cancel.orderID = order
  return call(id, .cancel(cancel))
}
