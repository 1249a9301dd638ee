package import NIOCore
import ServiceLifecycle

/// Makes every NIO event loop of a group beat, so that a blocked loop costs the process its watchdog ping.
package struct EventLoopHeartbeats: Service {
  private let group: any EventLoopGroup
  private let heartbeats: Heartbeats

  package init(group: any EventLoopGroup, heartbeats: Heartbeats) {
    self.group = group
    self.heartbeats = heartbeats
  }

  package func run() async throws {
    var tasks: [RepeatedTask] = []
    var beats: [Heartbeat] = []
    for (number, loop) in group.makeIterator().enumerated() {
      let heartbeat = heartbeats.register("event-loop-\(number)", longestSilence: .seconds(3))
      beats.append(heartbeat)
      tasks.append(
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(500)) { _ in heartbeat.beat() })
    }
    // Among the first to start, so among the last to stop: a loop that blocks while the rest drains is a fault, too.
    try? await gracefulShutdown()
    tasks.forEach { $0.cancel() }
    beats.forEach { $0.retire() }
  }
}
