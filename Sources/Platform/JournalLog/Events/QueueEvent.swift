import Logging

/// What the judge of leadership decides, and what becomes of orders that nobody finishes.
package enum QueueEvent: String, JournalEvent {
  case laneGranted = "lane-granted"
  case laneResumed = "lane-resumed"
  case claimRefused = "claim-refused"
  case laneLapsed = "lane-lapsed"
  case laneClosed = "lane-closed"
  case deadLetter = "dead-letter"
  case leaseOver = "lease-over"
  case gateSet = "gate-set"
  case recovered = "queue-recovered"
  case readerBehind = "reader-behind"
  case clockSet = "clock-set"

  package var definition: EventDefinition {
    switch self {
    case .laneGranted:
      .init("82bbca99cb7e47ddba1a427fd1a39b48", .info, "The lane has a new leader.")
    case .laneResumed:
      .init("6edfc2fc398043d48374ae1ba5cb29b4", .info, "The leader goes on under its epoch.")
    case .claimRefused:
      .init("014d585471be48108e46c12da4d42ddd", .info, "The claim was refused: the lane has a leader.")
    case .laneLapsed:
      .init("2452991bf65c455b9578bbff644ae820", .info, "The leadership ran out without a renewal.")
    case .laneClosed:
      .init("d2c694b96f5949099dcb27b191e4069a", .info, "The leader's stream closed; the lane is free.")
    case .deadLetter:
      .init("15ac52c4f09b4e1f8a332b901baff3f6", .info, "The order is a dead letter.")
    case .leaseOver:
      .init("4802c70bfac647b783d568f064854082", .info, "The lease is over; the order is back in the queue.")
    case .gateSet:
      .init("c4ec4d86a26849399362122026af9b7f", .info, "The gate was set.")
    case .recovered:
      .init(
        "9d872b85de8e4996bf8994c063aa668f", .notice,
        "The store takes changes again; the queue was read anew from disk.")
    case .readerBehind:
      .init(
        "3649df37c95e4387b04dac6e9c713296", .warning,
        "A reader of the outcomes was away for longer than they are kept.")
    case .clockSet:
      .init(
        "92ced4b10bfa403ea8cc4c8fcb111b57", .warning,
        "The wall clock was set; what finished before the queue started is kept for the retention from then on."
      )
    }
  }
}
