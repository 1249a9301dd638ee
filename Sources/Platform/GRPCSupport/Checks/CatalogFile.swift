import DaemonKit
package import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  package import FoundationEssentials
#else
  package import Foundation
#endif

/// The file that the setting `catalog` names.
package enum CatalogFile {
  /// The built-in catalog when `path` is nil. Throws `ConfigurationError` with every mistake, each naming the
  /// file.
  package static func load(path: String?) throws -> Catalog {
    guard let path else { return CatalogDocument.builtIn }
    do {
      return try CatalogDocument.decode(try SettingsFile.read(path, limit: CatalogDocument.maximumSize))
    } catch let error as CatalogDocument.Invalid {
      throw ConfigurationError(error.problems.map { "\(path): \($0)" })
    }
  }
}

/// A file that a setting names.
package enum SettingsFile {
  /// The bytes at `path`. Throws `ConfigurationError` when it cannot be read or has more than `limit` bytes.
  package static func read(_ path: String, limit: Int) throws -> Data {
    var isDirectory = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw ConfigurationError(["\(path): cannot be read (no such file)"])
    }
    if isDirectory { throw ConfigurationError(["\(path): cannot be read (is a directory)"]) }
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw ConfigurationError(["\(path): cannot be read (permission denied)"])
    }
    func check(_ size: Int) throws {
      guard size <= limit else {
        throw ConfigurationError(["\(path): has \(size) bytes; at most \(limit) are taken"])
      }
    }
    do {
      try check(try DurableFile.length(of: path))
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      // It may have grown, and files of the kernel tell no length.
      try check(data.count)
      return data
    } catch let error as ConfigurationError {
      throw error
    } catch let error as DurableFile.Failure {
      throw ConfigurationError(["\(error)"])
    } catch {
      throw ConfigurationError(["\(path): cannot be read (I/O error)"])
    }
  }
}
