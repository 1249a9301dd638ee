import CoreTime
import GRPCCore
import GRPCProtobuf
package import OrderProtos
import OrderWire
import SwiftProtobuf

/// How the calls of one kind of `Session` stream cross: what `PeerSession` need not know.
package struct SessionWire<Call: Sendable, Answer: Sendable>: Sendable {
  typealias Answers = [(id: UInt64, answer: Result<Answer, ServiceError>)]
  /// One call, and what is left of its time; nil for one that is not answered.
  typealias Outgoing = (id: UInt64, call: Call, left: Duration?)

  /// Runs one stream to its end: sends what `next` gives until it gives nil, hands over what comes.
  let run:
    @Sendable (
      _ client: Peer.Client, _ opened: @escaping @Sendable () -> Void,
      _ next: @escaping @Sendable () async -> [Outgoing]?, _ receive: @escaping @Sendable (Answers) -> Void
    ) async throws -> Void
  /// The message that tells the peer that the answer to a call is not wanted any more, where there is one.
  let cancelling: @Sendable (Call) -> Call?
  /// Calls of one message, at most.
  let batch: Int
  /// Bytes that a call takes in a message, about.
  let size: @Sendable (Call) -> Int
  /// Whether `overloaded` tells of the peer as a whole, rather than of a kind of call.
  let isOverloadGeneral: Bool
}

package typealias CheckSessionWire = SessionWire<
  Ordersd_V1_CheckCall.OneOf_Call, Ordersd_V1_CheckAnswer.OneOf_Answer
>
package typealias QueueSessionWire = SessionWire<
  Ordersd_V1_QueueCall.OneOf_Call, Ordersd_V1_QueueAnswer.OneOf_Answer
>

extension SessionWire {
  /// `pack` and `unpack`: between calls and messages.
  private init<Request: Message, Reply: Message>(
    _ method: MethodDescriptor, batch: Int, size: @escaping @Sendable (Call) -> Int,
    isOverloadGeneral: Bool, cancelling: @escaping @Sendable (Call) -> Call?,
    pack: @escaping @Sendable ([Outgoing]) -> Request, unpack: @escaping @Sendable (Reply) -> Answers
  ) {
    self.batch = batch
    self.size = size
    self.isOverloadGeneral = isOverloadGeneral
    self.cancelling = cancelling
    run = { client, opened, next, receive in
      let request = StreamingClientRequest<Request> { writer in
        while let calls = await next() { try await writer.write(pack(calls)) }
      }
      var options = CallOptions.defaults
      // Fail at once on a connection that is down; the session comes back by itself.
      options.waitForReady = false
      try await client.bidirectionalStreaming(
        request: request, descriptor: method, serializer: ProtobufSerializer<Request>(),
        deserializer: ProtobufDeserializer<Reply>(), options: options
      ) { response in
        if case .success = response.accepted { opened() }
        for try await message in response.messages { receive(unpack(message)) }
      }
    }
  }
}

extension CheckSessionWire {
  /// `Session` of one of the three check services. Throws `internal` for another service.
  package static func checks(_ service: String) throws -> Self {
    let method =
      switch service {
      case "transaction-verification": Ordersd_V1_TransactionVerification.Method.Session.descriptor
      case "fraud-detection": Ordersd_V1_FraudDetection.Method.Session.descriptor
      case "suggestions": Ordersd_V1_Suggestions.Method.Session.descriptor
      default: throw ServiceError(.internal, "'\(service)' is not a check service")
      }
    return Self(
      method, batch: 256,
      size: { call in
        switch call {
        case .check(let request): request.roughSize
        case .settle, .cancel: 0
        }
      },
      isOverloadGeneral: true,
      cancelling: { call in
        guard case .check(let request) = call else { return nil }
        return .cancel(.with { $0.orderID = request.orderID })
      },
      pack: { calls in
        Ordersd_V1_CheckSessionRequest.with { message in
          message.calls = calls.map { id, call, left in
            var message = Ordersd_V1_CheckCall()
            message.correlationID = id
            message.call = call
            if let left, case .check(var request) = call {
              // The peer has no clock in common with this one, so it is told how much is left; 0 were no limit.
              request.budgetMs = UInt32(clamping: max(1, left.millisecondsClamped))
              message.call = .check(request)
            }
            return message
          }
        }
      },
      unpack: { (reply: Ordersd_V1_CheckSessionReply) in
        reply.answers.map { answer in
          switch answer.answer {
          case .error(let error): (answer.correlationID, .failure(ServiceError(error, service: service)))
          case let body?: (answer.correlationID, .success(body))
          case nil:
            (
              answer.correlationID,
              .failure(ServiceError(.internal, "an answer without a body", service: service))
            )
          }
        }
      })
  }
}

extension QueueSessionWire {
  /// `Session` of the order-queue.
  package static let queue = Self(
    Ordersd_V1_OrderQueue.Method.Session.descriptor, batch: 256,
    size: { call in
      switch call {
      case .enqueue(let request): request.roughSize
      case .cancel, .peek: 0
      }
    },
    // A queue that is full or drains takes no order, and goes on to cancel those it has.
    isOverloadGeneral: false,
    cancelling: { _ in nil },
    pack: { calls in
      Ordersd_V1_QueueSessionRequest.with { message in
        message.calls = calls.map { id, call, _ in
          .with {
            $0.correlationID = id
            $0.call = call
          }
        }
      }
    },
    unpack: { (reply: Ordersd_V1_QueueSessionReply) in
      reply.answers.map { answer in
        switch answer.answer {
        case .error(let error): (answer.correlationID, .failure(ServiceError(error, service: "order-queue")))
        case let body?: (answer.correlationID, .success(body))
        case nil:
          (
            answer.correlationID,
            .failure(ServiceError(.internal, "an answer without a body", service: "order-queue"))
          )
        }
      }
    })
}

extension ServiceError {
  /// An error of one call of a stream.
  fileprivate init(_ error: Ordersd_V1_CallError, service: String) {
    self.init(ErrorCode(rawValue: error.code), error.message, service: service)
  }
}
