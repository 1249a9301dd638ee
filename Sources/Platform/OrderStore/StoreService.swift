import ServiceLifecycle

/// Closes a store when everything that was started after it has stopped.
package struct StoreService: Service {
  private let store: DurableStore

  package init(store: DurableStore) { self.store = store }

  package func run() async throws {
    // Services stop in the reverse order of their start, so this comes after those that write.
    do { try await gracefulShutdown() } catch is CancellationError {}
    try store.close()
  }
}
