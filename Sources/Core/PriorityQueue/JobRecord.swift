import CoreTime

/// A job in 48 bytes. What few jobs have stands elsewhere and is named by a number: 0 is none.
struct JobRecord: Sendable {
  var sequence: UInt64
  var enqueuedAt: Timestamp
  var readyAt: Timestamp
  /// `never` when it does not expire.
  var expiry: Timestamp
  /// In `Texts`.
  var reason: UInt32 = 0
  /// In `Holders`.
  var holder: UInt32 = 0
  var attempts: UInt32
  var lane: UInt16
  var priority: UInt8
  /// A final one in a free slot.
  var state: JobState

  static let never = Timestamp(milliseconds: .min)

  var expiresAt: Timestamp? {
    get { expiry == Self.never ? nil : expiry }
    set { expiry = newValue.map { max($0, Timestamp(milliseconds: .min + 1)) } ?? Self.never }
  }
}

/// Strings that many jobs share, kept once: reasons.
struct Texts: Sendable {
  private var numbers: [String: UInt32] = [:]
  private var entries: [(text: String, uses: Int)] = []
  private var free: [UInt32] = []

  subscript(number: UInt32) -> String? { number == 0 ? nil : entries[Int(number) - 1].text }

  mutating func take(_ text: String?) -> UInt32 {
    guard let text else { return 0 }
    if let number = numbers[text] {
      entries[Int(number) - 1].uses += 1
      return number
    }
    let number: UInt32
    if let last = free.popLast() {
      number = last
      entries[Int(number) - 1] = (text, 1)
    } else {
      entries.append((text, 1))
      number = UInt32(entries.count)
    }
    numbers[text] = number
    return number
  }

  mutating func drop(_ number: UInt32) {
    guard number != 0 else { return }
    entries[Int(number) - 1].uses -= 1
    if entries[Int(number) - 1].uses > 0 { return }
    numbers[entries[Int(number) - 1].text] = nil
    entries[Int(number) - 1].text = ""
    free.append(number)
  }
}

/// Who has, or may still ack, a job: of the few that are leased or were not long ago.
struct Holders: Sendable {
  struct Holder: Sendable {
    var ackEpoch: Epoch
    /// The lane is the job's.
    var lease: Lease?
  }

  struct Lease: Sendable {
    var executor: Int
    var epoch: Epoch
    var duration: Duration
    var deadline: Instant
  }

  private var entries: [Holder] = []
  private var free: [UInt32] = []

  subscript(number: UInt32) -> Holder? { number == 0 ? nil : entries[Int(number) - 1] }

  /// Keeps `holder` in the place of `number`, or nothing; answers its number from now on.
  mutating func set(_ holder: Holder?, for number: UInt32) -> UInt32 {
    switch (holder, number) {
    case (nil, 0): return 0
    case (nil, _):
      free.append(number)
      return 0
    case (let holder?, 0):
      if let last = free.popLast() {
        entries[Int(last) - 1] = holder
        return last
      }
      entries.append(holder)
      return UInt32(entries.count)
    case (let holder?, _):
      entries[Int(number) - 1] = holder
      return number
    }
  }

  mutating func setDeadline(_ deadline: Instant, of number: UInt32) {
    if number != 0 { entries[Int(number) - 1].lease?.deadline = deadline }
  }
}

/// The lanes by number, in the order in which they were first named.
struct LaneNames: Sendable {
  private var numbers: [String: UInt16] = [:]
  private(set) var names: [String] = []

  var count: Int { names.count }

  subscript(number: UInt16) -> String { names[Int(number)] }

  func number(of lane: String) -> UInt16? {
    // Nearly always the one lane that there is.
    if names.first == lane { return 0 }
    return numbers[lane]
  }

  mutating func name(_ lane: String) -> UInt16 {
    if let number = number(of: lane) { return number }
    precondition(names.count < QueueConfiguration.mostLanes, "a queue has fewer lanes than that")
    let number = UInt16(names.count)
    names.append(lane)
    numbers[lane] = number
    return number
  }
}
