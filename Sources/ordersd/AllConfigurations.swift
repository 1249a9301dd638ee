import DaemonKit
import Executor
import FraudDetection
import Orchestrator
import OrderQueue
import Suggestions
import TransactionVerification

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The settings of all roles, read from one reader whichever role is started: so that every key is declared, one file
/// serves all roles, and a misspelt key is found by each of them.
struct AllConfigurations: Sendable {
  let log: LogConfiguration
  let orchestrator: OrchestratorConfiguration
  let transactionVerification: TransactionVerificationConfiguration
  let fraudDetection: FraudDetectionConfiguration
  let suggestions: SuggestionsConfiguration
  let orderQueue: OrderQueueConfiguration
  let executor: ExecutorConfiguration

  /// Flags for whoever is no executor: the id that only an executor must have.
  static let anyExecutor = ["executor.id": "1"]

  /// Declares everything; says nothing about mistakes. `reader.validate()` does.
  init(reader: SettingsReader) {
    let environment = ProcessInfo.processInfo.environment
    log = LogConfiguration(reader: reader)
    orchestrator = OrchestratorConfiguration(reader: reader, environment: environment)
    transactionVerification = TransactionVerificationConfiguration(reader: reader)
    fraudDetection = FraudDetectionConfiguration(reader: reader, environment: environment)
    suggestions = SuggestionsConfiguration(reader: reader, environment: environment)
    orderQueue = OrderQueueConfiguration(reader: reader, environment: environment)
    executor = ExecutorConfiguration(reader: reader)
  }

  /// Where each role listens: for its peers, and for operators. By the role's name.
  var endpoints: [String: (server: NetworkEndpoint, admin: NetworkEndpoint)] {
    [
      "orchestrator": (orchestrator.server, orchestrator.admin),
      "transaction-verification": (transactionVerification.server, transactionVerification.admin),
      "fraud-detection": (fraudDetection.server, fraudDetection.admin),
      "suggestions": (suggestions.server, suggestions.admin),
      "order-queue": (orderQueue.server, orderQueue.admin),
      "executor": (executor.server, executor.admin),
    ]
  }
}
