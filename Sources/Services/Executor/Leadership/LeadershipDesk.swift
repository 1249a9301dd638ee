import CoreTime
import LeaderWork
import OrderDomain
import OrderProtos

/// Where everything that concerns the leadership is put, and from where the work loop takes it, in order.
///
/// Not bounded by itself, as a lost word would leave an epoch without a master; those who put are: the
/// election puts one word for each of its transitions, a stream one reply at a time, and of everything else
/// there is one word for each effect of the machine or each waiting caller.
final class LeadershipDesk: Sendable {
  enum Word: Sendable {
    case input(LeaderWork<OrderID>.Input)
    /// The election wants the leadership handed over; the work loop sets the time for it.
    case handOver
    case reply(stream: UInt64, Ordersd_V1_WorkReply)
    /// The timer that was set for this instant fired.
    case timer(Instant)
    /// A second has passed: a sign of life, also where nothing happens. One at a time.
    case pulse
  }

  /// For one consumer.
  let words: AsyncStream<Word>
  private let word: AsyncStream<Word>.Continuation

  init() { (words, word) = AsyncStream.makeStream(bufferingPolicy: .unbounded) }

  /// Ignored once the work loop has ended.
  func put(_ next: Word) { word.yield(next) }
  func put(_ input: LeaderWork<OrderID>.Input) { word.yield(.input(input)) }
  func close() { word.finish() }

  // MARK: The election's

  func lead(term: UInt64) { put(.lead(term: term)) }
  func stop() { put(.stopLeading) }
  func drain() { put(.handOver) }
}
