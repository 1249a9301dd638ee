import Logging

/// Connections between the roles.
package enum PeerEvent: String, JournalEvent {
  case connected = "peer-connected"
  case streamLost = "peer-lost"
  case circuitOpened = "circuit-opened"
  case circuitClosed = "circuit-closed"

  package var definition: EventDefinition {
    switch self {
    case .connected:
      .init("4820defc57f2454d9c3cd8ccb46bce4f", .notice, "A peer is connected.")
    case .streamLost:
      .init("15f6c99d0c83477985e642c3ff787654", .warning, "The stream to a peer is lost.")
    case .circuitOpened:
      .init("f5e52c1653b049f7aa2e600e82bb4769", .warning, "A peer fails; its circuit opens.")
    case .circuitClosed:
      .init("9d7da2bc34dc45ffa404d9aba356c2f3", .notice, "A peer answers again; its circuit closes.")
    }
  }
}
