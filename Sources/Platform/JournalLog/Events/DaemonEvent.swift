import Logging

/// The life of a process: start, stop, settings, watchdog, storage.
package enum DaemonEvent: String, JournalEvent {
  case ready = "ready"
  case stopping = "stopping"
  case stopped = "stopped"
  case failed = "role-failed"
  case configurationInvalid = "configuration-invalid"
  case loopStalled = "loop-stalled"
  case loopsTurn = "loops-turn"
  case reloaded = "reloaded"
  case reloadRefused = "reload-refused"
  case entriesDropped = "entries-dropped"
  case socketElsewhere = "socket-elsewhere"
  case storageRefused = "storage-refused"
  case storageRecovered = "storage-recovered"

  package var definition: EventDefinition {
    switch self {
    case .ready:
      .init("2ca8dbbcb25e4b7895cd82de30e2f8d9", .info, "Ready.")
    case .stopping:
      .init("6c042e588b1b4872812c28ff7cefc0de", .info, "Stopping.")
    case .stopped:
      .init("f7577004869d4c86868fb9354c341408", .info, "Stopped.")
    case .failed:
      .init("2af05935ae414658ba49b2e878504c0f", .critical, "The role has failed.")
    case .configurationInvalid:
      .init("1e3c43103e9a46abbfdb72ab80d1f8b6", .critical, "The settings are wrong; the role does not start.")
    case .loopStalled:
      .init("8e102fd70cff4698baef3b596b2cf398", .error, "A loop does not turn; the watchdog gets no ping.")
    case .loopsTurn:
      .init("969f6c6bce9b43b99aceaf4a72f6ef4d", .notice, "Every loop turns again.")
    case .reloaded:
      .init("1cd246cc47cd45e19bf06d0d7f38c645", .notice, "The settings were read again and are in force.")
    case .reloadRefused:
      .init(
        "90f0737c163d4bcd8a3984e0a87bad31", .error,
        "The settings were read again and are refused; those before stay in force.")
    case .entriesDropped:
      .init(
        "3136bd4d18f844b69ef2d4c77c083451", .warning,
        "Entries of the log were dropped: the journal did not take them in time.")
    case .socketElsewhere:
      .init(
        "2cbc2af6d72b4a4a97e9bade81311b06", .warning,
        "The socket passed by systemd is not where the settings say; it is not used.")
    case .storageRefused:
      .init(
        "c65a3176d02843769036a72e77f29227", .error,
        "The store could not commit; nothing of this batch is acknowledged.")
    case .storageRecovered:
      .init("b3085858ffad4148a8050be6c16d14c8", .notice, "The store takes changes again.")
    }
  }
}
