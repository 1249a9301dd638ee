/// Work that can be cancelled alone, among the child tasks of a group that can't single one out.
struct Leash: Sendable {
  private let pulls: AsyncStream<Void>
  private let pull: AsyncStream<Void>.Continuation

  init() { (pulls, pull) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

  func cancel() { pull.finish() }

  /// Returns when `work` has ended, which is cancelled by `cancel` or with the calling task.
  func run(_ work: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { [pulls] group in
      group.addTask { await work() }
      group.addTask { for await _ in pulls {} }
      await group.next()
      group.cancelAll()
    }
  }
}
