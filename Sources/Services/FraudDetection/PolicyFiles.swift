import DaemonKit
import Foundation
package import FraudRules
import GRPCSupport

/// The files that a policy is put together from. Nil = not set.
package struct PolicyFiles: Sendable, Hashable {
  package var rules: String?
  package var blockList: String?
  package var disposableDomains: String?
  package var cardRanges: String?

  package init(
    rules: String? = nil, blockList: String? = nil, disposableDomains: String? = nil,
    cardRanges: String? = nil
  ) {
    self.rules = rules
    self.blockList = blockList
    self.disposableDomains = disposableDomains
    self.cardRanges = cardRanges
  }

  var paths: [String] { [rules, blockList, disposableDomains, cardRanges].compactMap { $0 } }

  /// Throws `ConfigurationError` with every mistake of every file.
  package func policy() throws -> FraudPolicy {
    var problems: [String] = []
    func take(_ body: () throws -> Void) rethrows {
      do { try body() } catch let error as ConfigurationError { problems += error.problems }
    }
    var policy = FraudPolicy()
    if let rules { try take { policy = try RulesFile.read(rules) } }
    if let blockList {
      try take {
        let list = try FraudLists(path: blockList)
        policy.blockedEmails = list.emails
        policy.blockedDomains = list.domains
      }
    }
    if let disposableDomains {
      try take {
        let list = try FraudLists(path: disposableDomains)
        if let email = list.emails.min() {
          throw ConfigurationError([
            "\(disposableDomains): '\(email)' is a mail address; this list holds domains only"
          ])
        }
        policy.disposableDomains.formUnion(list.domains)
      }
    }
    if let cardRanges { try take { policy.cardRanges = try CardRangesFile.read(cardRanges) } }
    if !problems.isEmpty { throw ConfigurationError(problems) }
    return policy
  }

  /// Changes when one of the files does. Nil for a file that cannot be looked at.
  func identities() -> [FileIdentity?] { paths.map(FileIdentity.init) }
}

/// What tells that a file is another one, or was written again. Nil when it cannot be looked at.
struct FileIdentity: Sendable, Hashable {
  private let inode: UInt64
  private let size: UInt64
  private let modified: Date?

  init?(_ path: String) {
    let file = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: file.path) else { return nil }
    func number(_ key: FileAttributeKey) -> UInt64 {
      (attributes[key] as? any BinaryInteger).map { UInt64(clamping: $0) } ?? 0
    }
    inode = number(.systemFileNumber)
    size = number(.size)
    modified = attributes[.modificationDate] as? Date
  }
}
