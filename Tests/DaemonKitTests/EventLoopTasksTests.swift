import NIOPosix
import Testing

@testable import DaemonKit

@Suite struct EventLoopTasksTests {
  private func isOnALoop() async -> Bool { MultiThreadedEventLoopGroup.currentEventLoop != nil }

  @Test func tasksRunOnTheLoopsAlsoAfterTheyWaited() async {
    let group = MultiThreadedEventLoopGroup.singleton
    let places = await withTaskExecutorPreference(EventLoopTasks(group: group)) {
      await withTaskGroup(of: Bool.self) { tasks in
        for _ in 0..<8 {
          tasks.addTask {
            await Task.yield()
            let before = await isOnALoop()
            // Resumed by another thread.
            await withCheckedContinuation { continuation in
              NIOThreadPool.singleton.submit { _ in continuation.resume() }
            }
            return await isOnALoop() && before
          }
        }
        return await tasks.reduce(into: []) { $0.append($1) }
      }
    }
    #expect(places == Array(repeating: true, count: 8))
  }
}
