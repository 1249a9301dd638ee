import Logging

/// Who leads, and why: told by the executors.
package enum ElectionEvent: String, JournalEvent {
  case socketLost = "election-socket-lost"
  case socketWorks = "election-socket-works"
  case elected = "elected"
  case leadershipGained = "leadership-gained"
  case claimDenied = "claim-denied"
  case following = "following"
  case leadershipEnded = "leadership-ended"
  case leaderResigned = "leader-resigned"
  case handoverAsked = "handover-asked"
  case handoverOverdue = "handover-overdue"
  case handoverReceived = "handover-received"
  case eligible = "eligible"
  case ineligible = "ineligible"
  case leaderSuspected = "leader-suspected"
  case rivalHeard = "rival-heard"
  case splitBrain = "split-brain"
  case frozen = "election-frozen"
  case thawed = "election-thawed"
  case storm = "election-storm"
  case paused = "process-paused"
  case duplicateID = "duplicate-id"
  case steppedDown = "step-down-asked"
  case leaseTooLong = "lease-too-long"
  case confirmed = "leadership-confirmed"
  case epochLost = "epoch-lost"
  case lapsed = "leadership-lapsed"

  package var definition: EventDefinition {
    switch self {
    case .socketLost:
      .init(
        "b6393a02dba641e6bc31e2e33bfd2400", .warning,
        "The election socket neither sends nor hears; it is opened again until it does.")
    case .socketWorks:
      .init("407d3a9217fb4c08b32fa54b96734721", .notice, "The election socket works again.")
    case .elected:
      .init("6636dc8fe171427c891843ecc2e89b79", .info, "Elected; claiming the epoch.")
    case .leadershipGained:
      .init("5be4c935fa624af8b710fa418d7c6332", .info, "Leadership gained.")
    case .claimDenied:
      .init("9c9277dfa43f4309add07ab97fe88f75", .info, "Claim denied.")
    case .following:
      .init("7bbeed5f327244d092934d3906f97c66", .info, "Following a leader.")
    case .leadershipEnded:
      .init("fa47d1a3bb404bd5954c193155631c30", .info, "Leadership ended.")
    case .leaderResigned:
      .init("3c5957f973124816b4825cccc93eb47b", .info, "The leader resigned.")
    case .handoverAsked:
      .init("3e24edb9ecca409ab5144d398deb5648", .info, "Asking for a handover.")
    case .handoverOverdue:
      .init("5eddf8988d1f4574aab38d32b95f6faf", .notice, "The handover is overdue; taking over.")
    case .handoverReceived:
      .init("b84ec90be07546d7ae4c3e8ed25fa922", .info, "A handover was asked for.")
    case .eligible:
      .init("7add75cac1b74214bb3eb6f70ad92ad1", .info, "Eligible to lead.")
    case .ineligible:
      .init("ba018ffb70294bf9b9fa9c8e8de44127", .notice, "Not eligible to lead.")
    case .leaderSuspected:
      .init("d0ea16c00dd241c2abfefcdfa529862e", .info, "The leader's heartbeat is missing.")
    case .rivalHeard:
      .init("27b1280fb20e4ca7bb8af0ad0ec7c711", .notice, "Another leader is heard.")
    case .splitBrain:
      .init("57099d49c886494185c470092a35cd3f", .warning, "More than one executor led; it is over.")
    case .frozen:
      .init("033fbcab33144455a4d157ef7a08a955", .notice, "The election is frozen.")
    case .thawed:
      .init("5c023d31b6ef4ff382fe898307dc487c", .notice, "The election is not frozen any more.")
    case .storm:
      .init("b3a60799308945c8a412aae445227cac", .warning, "Too many elections; staying quiet for a while.")
    case .paused:
      .init("d9f640907c9c44b29f0f99a3db81a89a", .warning, "This process was paused.")
    case .duplicateID:
      .init("914d541431ac466c924f25eabc24104e", .error, "Another process uses this executor's id.")
    case .steppedDown:
      .init("9284e4bc50c2456c9587bf63e9b7928f", .notice, "Asked to step down.")
    case .leaseTooLong:
      .init(
        "4cb506d434064333b084c427017daa34", .warning,
        "The queue's leadership lease is too long: elected executors give up before it ends.")
    case .confirmed:
      .init("453b7127c0ca49c28aa48143f25d456a", .info, "Leadership confirmed after a break.")
    case .epochLost:
      .init("75c705bb1d774332af83e26f673d76b4", .notice, "Leadership lost: the epoch moved on.")
    case .lapsed:
      .init("d6a4b12f2b3e456c850918e975d5f79a", .notice, "Leadership given up: cannot reach order-queue.")
    }
  }
}
