import DaemonKit

/// A settings file that shows every setting, commented out, with its purpose and default: what
/// `ordersd settings -o yaml`
/// prints, and packaging/ordersd.yaml holds.
struct SettingsFile {
  private static let width = 110

  private static let introduction = """
    /etc/ordersd/ordersd.yaml: the settings of all roles on this machine.

    Everything is commented out and shows its default; where there is none, the line says that it is an example. Flags \
    win over the environment, that over conf.d/*.yaml, and those over this file. As a variable, a setting is ORDERSD_ \
    and its name in capitals, with _ for . and -: order-queue.port is ORDERSD_ORDER_QUEUE_PORT. An unknown name, or a \
    value out of range, keeps a role from starting (exit 78). 'ordersd settings' tells what is in force and why.

    Printed by 'ordersd settings -o yaml'.
    """

  /// What is said above a group, by the first part of its keys. In the order of the file; what is not named here comes
  /// after these.
  private static let groups: [(name: String, text: String)] = [
    ("log", "The log."),
    ("orchestrator", "Takes orders: the REST interface and the page."),
    (
      "transaction-verification",
      """
      Checks what an order says: events a, b and c. Of every role that is called, endpoint is where its callers reach \
      it, port where it listens, and admin-port where /live, /ready, /metrics and /status are.
      """
    ),
    ("fraud-detection", "Checks for fraud: events d and e."),
    ("suggestions", "Suggests what else to buy: event f, which never fails an order."),
    ("order-queue", "Keeps approved orders, and judges who may carry them out."),
    ("election", "Who of the executors leads. Executors that are to see each other share all of these."),
    ("executor", "Carries orders out while it leads."),
  ]

  /// Values for settings without a default.
  private static let examples: [String: String] = [
    "state": "/var/lib/ordersd",
    "catalog": "/etc/ordersd/catalog.json",
    "fraud-detection.rules": "/etc/ordersd/fraud-rules.yaml",
    "fraud-detection.block-list": "/etc/ordersd/fraud-blocked.txt",
    "fraud-detection.disposable-domains": "/etc/ordersd/fraud-disposable-domains.txt",
    "fraud-detection.card-ranges": "/etc/ordersd/fraud-card-ranges.txt",
    "election.peers": "[10.0.0.1:50060, 10.0.0.2:50060, 10.0.0.3:50060]",
    "election.key-file": "/etc/ordersd/election.key",
    "executor.id": "1",
    "executor.port": "50061",
    "executor.admin-port": "51061",
    "executor.fulfilment.command": "[/usr/local/bin/fulfil]",
  ]

  /// What whoever sets a setting should know beyond its purpose.
  private static let notes: [String: String] = [
    "bind": """
    0.0.0.0 or a network address opens the roles to that network: they do not authenticate their callers, so put a \
    firewall in front.
    """,
    "state": "Units and containers set it.",
    "log.format": "Used where there is no journal.",
    "election.interface": """
    Loopback joins the executors of this machine; name the real interface to join others.
    """,
    "election.key-file": """
    Rather than a file, give it as a credential: put it under /etc/credstore/ordersd.election-key and the units hand \
    it over.
    """,
    "executor.id": "Always given as --id, by the units too: executor@2 has 2.",
    "executor.port": "One fixed port fits one executor of a machine only.",
    "executor.admin-port": "One fixed port fits one executor of a machine only.",
    "executor.fulfilment.kind": "log: write a line. command: run the command.",
    "executor.fulfilment.command": "Exit status 0 means done, 75 try again later.",
  ]

  private let declarations: [SettingDeclaration]

  init(_ declarations: [SettingDeclaration]) { self.declarations = declarations }

  var text: String {
    var lines = comment(Self.introduction, mark: "# ")
    for setting in declarations where !setting.key.contains(".") {
      lines += [""] + entry(setting, name: setting.key, indent: "")
    }
    for group in groupNames {
      lines.append("")
      let text = Self.groups.first { $0.name == group }?.text
      if let text { lines += comment(text, mark: "# ") }
      lines += mapping(group, in: declarations.filter { $0.key.hasPrefix(group + ".") }, depth: 0)
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private var groupNames: [String] {
    var names = Self.groups.map(\.name)
    for setting in declarations {
      let parts = setting.key.split(separator: ".")
      if parts.count > 1, !names.contains(String(parts[0])) { names.append(String(parts[0])) }
    }
    return names.filter { name in declarations.contains { $0.key.hasPrefix(name + ".") } }
  }

  /// A mapping with its plain settings first and the mappings within it after them. `path`: its full key.
  private func mapping(_ path: String, in settings: [SettingDeclaration], depth: Int) -> [String] {
    let indent = String(repeating: "  ", count: depth)
    let name = path.split(separator: ".").last.map(String.init) ?? path
    var lines = ["#\(indent)\(name):"]
    var inner: [String] = []
    for setting in settings {
      let rest = setting.key.dropFirst(path.count + 1).split(separator: ".")
      if rest.count == 1 {
        lines += entry(setting, name: String(rest[0]), indent: indent + "  ")
      } else if let next = rest.first.map(String.init), !inner.contains(next) {
        inner.append(next)
      }
    }
    for next in inner {
      let full = "\(path).\(next)"
      lines += mapping(full, in: settings.filter { $0.key.hasPrefix(full + ".") }, depth: depth + 1)
    }
    return lines
  }

  private func entry(_ setting: SettingDeclaration, name: String, indent: String) -> [String] {
    let words = [setting.purpose, Self.notes[setting.key], "[\(setting.type)]"].compactMap(\.self)
    // A comment of the top level is no setting either way; a deeper one stays a comment when its '#' is taken away.
    let mark = indent.isEmpty ? "# " : "#\(indent)# "
    return comment(words.joined(separator: " "), mark: mark)
      + ["#\(indent)\(name): \(value(setting))"]
  }

  private func value(_ setting: SettingDeclaration) -> String {
    let fallback = EachExecutor.text(setting.defaultText, of: setting.key)
    let hasNone = setting.defaultText == "none" || setting.defaultText.isEmpty
    guard hasNone || EachExecutor.differs(setting.key) else { return setting.defaultText }
    return
      "\(Self.examples[setting.key] ?? "\"\"")  # example; default: \(fallback.isEmpty ? "none" : fallback)"
  }

  /// `text` as lines of at most `width` characters, each with `mark` before it. A line break starts a new one.
  private func comment(_ text: String, mark: String) -> [String] {
    var lines: [String] = []
    for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var line = ""
      for word in paragraph.split(separator: " ") {
        if !line.isEmpty, mark.count + line.count + 1 + word.count > Self.width {
          lines.append(mark + line)
          line = ""
        }
        line += line.isEmpty ? word : " " + word
      }
      lines.append(line.isEmpty ? "#" : mark + line)
    }
    return lines
  }
}
