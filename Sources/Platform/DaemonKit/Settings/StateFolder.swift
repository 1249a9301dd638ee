/// Where a role keeps its files.
package enum StateFolder {
  package static let base = "/var/lib/ordersd"

  /// The folder of `role`: `<state>/<role>` when the setting `state` is given, else systemd's `$STATE_DIRECTORY`
  /// (systemd.exec(5); the first when there are several), else `/var/lib/ordersd/<role>`. Declares `state`.
  package static func path(reader: SettingsReader, role: String, environment: [String: String]) -> String {
    let chosen = reader.optionalString(
      "state",
      "Folder under which every role keeps its files in a folder of its own (/var/lib/ordersd, or what systemd gives)."
    )
    if let chosen, !chosen.isEmpty { return "\(chosen)/\(role)" }
    if let given = environment["STATE_DIRECTORY"]?.split(separator: ":").first { return String(given) }
    return "\(base)/\(role)"
  }
}
