package import CoreTime

/// The calls of one stream to a peer: what waits to be sent, what waits for its answer, and until when.
///
/// Correlation ids are never used twice, also not on the next stream to the same peer, so a late or doubled
/// answer finds nothing and changes nothing. `Token` stands for whoever waits for the answer; each is
/// handed back exactly once.
package struct CallTable<Message: Sendable, Token: Sendable>: Sendable {
  /// A call that is over without an answer.
  package struct Withdrawn: Sendable {
    package let token: Token
    /// The peer has it, and can be told that its answer is not wanted any more.
    package let wasSent: Bool
  }

  /// A message that goes out.
  package struct Outgoing: Sendable {
    package let id: UInt64
    package let message: Message
    /// Nil for a note, which has no answer.
    package let deadline: Instant?
  }

  private struct Open {
    let token: Token
    let deadline: Instant
    /// Bytes, about.
    let size: Int
    /// Nil once it is sent.
    var message: Message?
  }

  /// Calls that are sent and not answered, at most.
  package let window: Int
  /// Calls that are open, at most, sent or not; further ones are refused.
  package let capacity: Int
  private var open: [UInt64: Open] = [:]
  /// In the order in which they were added; an id without a call was withdrawn before it was sent.
  private var line: [UInt64] = []
  /// How far `line` has been taken.
  private var head = 0
  private var notes: [Outgoing] = []
  private var next: UInt64 = 0
  /// Calls that wait for their answer.
  package private(set) var sent = 0

  /// `window` ≤ `capacity`, both at least 1.
  package init(window: Int, capacity: Int) {
    precondition(window >= 1 && capacity >= window, "a window of at least one call, within the capacity")
    self.window = window
    self.capacity = capacity
  }

  /// Calls that are open, sent or not.
  package var count: Int { open.count }

  package var isEmpty: Bool { open.isEmpty && notes.isEmpty }

  /// Adds a call. `size`: bytes that it takes in a message, about. Nil when `capacity` calls are open.
  package mutating func add(
    _ message: Message, size: Int = 0, token: Token, deadline: Instant
  ) -> UInt64? {
    guard open.count < capacity else { return nil }
    next += 1
    open[next] = Open(token: token, deadline: deadline, size: size, message: message)
    line.append(next)
    return next
  }

  /// Adds a message that is not answered. Dropped when as many notes wait as calls may be open.
  package mutating func note(_ message: Message) {
    guard notes.count < capacity else { return }
    next += 1
    notes.append(Outgoing(id: next, message: message, deadline: nil))
  }

  /// What goes out next, in one message: notes first, then calls in their order, as far as the window
  /// allows. A call that would make the message longer than `bytes` waits for the next, unless it is the first. Empty
  /// when nothing may go out now.
  package mutating func takeBatch(atMost limit: Int, bytes: Int = .max) -> [Outgoing] {
    var batch = Array(notes.prefix(limit))
    notes.removeFirst(batch.count)
    var size = 0
    while batch.count < limit, sent < window, head < line.count {
      let id = line[head]
      guard var call = open[id], let message = call.message else {
        head += 1
        continue
      }
      if size > 0, call.size > bytes - size { break }
      head += 1
      size += call.size
      call.message = nil
      open[id] = call
      sent += 1
      batch.append(Outgoing(id: id, message: message, deadline: call.deadline))
    }
    // What was taken is let go of in bulk, so that taking costs the same however long the line is.
    if head == line.count || head > 1_024 {
      line.removeFirst(head)
      head = 0
    }
    return batch
  }

  /// Whose call `id` is, which is over with this. Nil for an answer that is late, doubled or to nothing.
  package mutating func answered(_ id: UInt64) -> Token? {
    guard let call = open[id], call.message == nil else { return nil }
    open[id] = nil
    sent -= 1
    return call.token
  }

  /// Withdraws a call. Nil when it is over already.
  package mutating func withdraw(_ id: UInt64) -> Withdrawn? {
    guard let call = open.removeValue(forKey: id) else { return nil }
    let wasSent = call.message == nil
    if wasSent { sent -= 1 }
    return Withdrawn(token: call.token, wasSent: wasSent)
  }

  /// Withdraws the calls whose time is over, in the order of their ids.
  package mutating func expire(now: Instant) -> [(id: UInt64, call: Withdrawn)] {
    let due = open.filter { $0.value.deadline <= now }.keys.sorted()
    return due.compactMap { id in withdraw(id).map { (id, $0) } }
  }

  /// Withdraws everything, in the order of the ids: the stream is gone.
  package mutating func disconnect() -> [Withdrawn] {
    let withdrawn = open.keys.sorted().compactMap { withdraw($0) }
    (line, head, notes) = ([], 0, [])
    return withdrawn
  }

  /// When the first open call's time is over; nil when none is open. Looks at every open call.
  package var nextDeadline: Instant? { open.values.map(\.deadline).min() }
}
