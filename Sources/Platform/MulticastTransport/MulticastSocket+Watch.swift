import JournalLog
import Logging
import NIOCore
import Synchronization

/// Whether the socket still does what it is for, and what the kernel does to its datagrams.
extension MulticastSocket {
  private static let measurePause = TimeAmount.seconds(1)

  // MARK: Deafness

  func written(_ bytes: [UInt8], to channel: any Channel, _ result: Result<Void, any Error>) {
    let now = NIODeadline.now()
    // One that is too long is not heard for its length.
    let counts = bytes.count <= configuration.maximumLength
    let verdict = link.withLock { link -> EchoWatch.Verdict in
      // A channel that is being closed proves nothing about the next one.
      guard counts, link.channel === channel else { return .well }
      switch result {
      case .success: return link.watch.sent(bytes, now: now)
      case .failure: return link.watch.failed(now: now)
      }
    }
    switch result {
    case .success: counterBox.count(\.sent)
    case .failure: counterBox.count(\.sendFailures)
    }
    guard case .reopen(let isNews) = verdict else { return }
    if isNews {
      logger.tell(
        ElectionEvent.socketLost,
        metadata: ["datagrams": "\(EchoWatch.mostMisses)"])
    }
    channel.close(promise: nil)
  }

  func heard(_ bytes: [UInt8]) {
    if link.withLock({ $0.watch.received(bytes) }) { logger.tell(ElectionEvent.socketWorks) }
  }

  // MARK: Figures of the kernel

  func keepMeasuring() {
    loop.scheduleTask(in: Self.measurePause) { [weak self] in
      guard let self, !self.link.withLock({ $0.closing }) else { return }
      self.measure()
      self.keepMeasuring()
    }
  }

  private func measure() {
    guard let channel = link.withLock({ $0.channel }) else { return }
    // A kernel that does not tell, or a socket that was just lost: nothing is added.
    SocketMemory.read(channel).whenSuccess { [weak self] memory in
      guard let self else { return }
      let more = self.link.withLock { link -> UInt32 in
        guard link.channel === channel else { return 0 }
        defer { link.kernelDrops = memory.drops }
        return memory.drops &- link.kernelDrops
      }
      if more > 0 { self.counterBox.add(kernelDrops: UInt64(more)) }
    }
  }
}
