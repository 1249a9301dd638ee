#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Where a process looks for its settings.
package struct SettingsSources: Sendable {
  package static let defaultFile = "/etc/ordersd/ordersd.yaml"

  package var flags: [String: String]
  package var environment: [String: String]
  /// A file that must exist; nil = the default file and its `conf.d` if they exist.
  package var file: String?

  package init(flags: [String: String] = [:], environment: [String: String], file: String? = nil) {
    self.flags = flags
    self.environment = environment
    self.file = file
  }

  /// Throws `ConfigurationError` for a file that cannot be read.
  package func reader() throws -> SettingsReader {
    var layers = [SettingsLayer.flags(flags), .environment(environment)]
    let main = file ?? Self.defaultFile
    let folder = URL(fileURLWithPath: main).deletingLastPathComponent().appendingPathComponent("conf.d").path
    // A later file of conf.d wins over an earlier one, and all of them over the main file.
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.filter({ $0.hasSuffix(".yaml") }).sorted(by: >) {
      layers.append(try .file("\(folder)/\(name)"))
    }
    if file != nil || FileManager.default.fileExists(atPath: main) { layers.append(try .file(main)) }
    return SettingsReader(layers: layers)
  }
}
