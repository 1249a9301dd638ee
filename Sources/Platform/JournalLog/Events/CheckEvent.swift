import Logging

/// What the check services learn and remember.
package enum CheckEvent: String, JournalEvent {
  case rulesAdopted = "rules-adopted"
  case rulesRefused = "rules-refused"
  case memorySetAside = "memory-set-aside"
  case memoryUnusable = "memory-unusable"
  case memoryUnwritable = "memory-unwritable"
  case learningStopped = "learning-stopped"
  case learnedDamaged = "learned-damaged"
  case learnedUnwritable = "learned-unwritable"

  package var definition: EventDefinition {
    switch self {
    case .rulesAdopted:
      .init("ea1fa93727ff48458d2bf0c9da5230e4", .notice, "Changed rules are in force.")
    case .rulesRefused:
      .init(
        "8c338f51b1364415b6addd0108227fa0", .error,
        "Changed rules are refused; those before stay in force.")
    case .memorySetAside:
      .init(
        "3bbb09cdbdaf4d0ba74361c324ff277e", .error,
        "The snapshot cannot be used and is set aside; velocities and histories begin anew.")
    case .memoryUnusable:
      .init(
        "3c3c2d9516234fc29fcfae3637de9a1b", .error,
        "The snapshot cannot be used; velocities and histories begin anew.")
    case .memoryUnwritable:
      .init(
        "b10c786140704be6a16a15bfe386317f", .error,
        "What is remembered cannot be written; a restart would forget it.")
    case .learningStopped:
      .init(
        "289d66a71a0e47a294e3c4190f8ab4b3", .warning,
        "The outcomes of the order-queue can't be followed; nothing is learned meanwhile.")
    case .learnedDamaged:
      .init(
        "b17225bef883464db6aa8e0bd38706a5", .error,
        "The file of what was learned is damaged; it was set aside, and is learned anew from the outcomes.")
    case .learnedUnwritable:
      .init(
        "0975d41449e6401ba97a607f89f61f95", .error,
        "What is learned can't be stored; after a restart it is learned again.")
    }
  }
}
