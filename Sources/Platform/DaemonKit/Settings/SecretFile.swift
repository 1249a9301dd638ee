#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A secret of this installation: 32 random bytes, made at the first start, readable by the owner only.
package enum SecretFile {
  private static let size = 32

  /// The bytes of `folder/name`. `remedy`: what helps against a file of another size.
  ///
  /// Throws `ConfigurationError` when the file cannot be read or made, or has another size.
  package static func read(_ name: String, in folder: String, remedy: String) throws -> [UInt8] {
    let path = "\(folder)/\(name)"
    do {
      if !FileManager.default.fileExists(atPath: path) {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        try DurableFile.replace(path, with: (0..<size).map { _ in UInt8.random(in: .min ... .max) })
      }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      guard bytes.count == size else {
        throw ConfigurationError(["\(path): must hold \(size) bytes, not \(bytes.count); \(remedy)"])
      }
      return Array(bytes)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError([
        "\(path): cannot be read or made; check the folder's owner and mode (\(error))"
      ])
    }
  }
}
