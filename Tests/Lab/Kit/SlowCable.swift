import Foundation
import Synchronization

/// A cable between two namespaces that can delay what goes from the first to the second.
///
/// For kernels without `sch_netem`: a pair of tap devices, and two threads that carry the frames. Each
/// frame has a delay of its own, so frames overtake each other as under `netem delay 20ms 10ms`.
final class SlowCable: Sendable {
  private struct Frame {
    let due: ContinuousClock.Instant
    let bytes: [UInt8]
  }

  private struct State {
    var delay: Duration = .zero
    var jitter: Duration = .zero
    /// By when they are due.
    var waiting: [Frame] = []
    var isClosed = false
  }

  /// More than this is lost, as on any link.
  private static let mostWaiting = 4_096

  private let near: Int32
  private let far: Int32
  private let state = Mutex(State())

  init(from: (namespace: String, device: String), to: (namespace: String, device: String)) throws {
    near = try Self.tap(from.namespace, from.device)
    far = try Self.tap(to.namespace, to.device)
    Thread { [self] in carry(near) { send($0) } }.start()
    Thread { [self] in carry(far) { Self.put($0, into: near) } }.start()
    Thread { [self] in deliver() }.start()
  }

  func set(delay: Duration, jitter: Duration) {
    state.withLock { ($0.delay, $0.jitter) = (delay, jitter) }
  }

  func close() {
    state.withLock { $0.isClosed = true }
    // The readers look at it at least this often.
    rest(.milliseconds(250))
    Foundation.close(near)
    Foundation.close(far)
  }

  private func carry(_ source: Int32, _ take: ([UInt8]) -> Void) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while !state.withLock({ $0.isClosed }) {
      var poller = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, 100) > 0 else { continue }
      let count = read(source, &buffer, buffer.count)
      if count > 0 { take(Array(buffer[..<count])) }
    }
  }

  private func send(_ bytes: [UInt8]) {
    state.withLock { state in
      let spread = state.jitter / .milliseconds(1)
      let wait = state.delay + .milliseconds(spread > 0 ? Double.random(in: -spread...spread) : 0)
      let frame = Frame(due: .now + wait, bytes: bytes)
      guard state.waiting.count < Self.mostWaiting else { return }
      let place = state.waiting.lastIndex { $0.due <= frame.due }.map { $0 + 1 } ?? 0
      state.waiting.insert(frame, at: place)
    }
  }

  private func deliver() {
    while true {
      let (due, isClosed) = state.withLock { state -> ([Frame], Bool) in
        let now = ContinuousClock.now
        let due = Array(state.waiting.prefix { $0.due <= now })
        state.waiting.removeFirst(due.count)
        return (due, state.isClosed)
      }
      if isClosed { return }
      for frame in due { Self.put(frame.bytes, into: far) }
      if due.isEmpty { rest(.microseconds(500)) }
    }
  }

  /// A frame that the device does not take is lost, as on any link.
  private static func put(_ bytes: [UInt8], into device: Int32) { _ = write(device, bytes, bytes.count) }

  /// Opens a tap device (linux/if_tun.h) in a namespace; it lasts as long as the descriptor.
  private static func tap(_ namespace: String, _ name: String) throws -> Int32 {
    try Worker(in: namespace) {
      let descriptor = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { throw LabError("/dev/net/tun: \(String(cString: strerror(errno)))") }
      // struct ifreq: the name in 16 bytes, then the flags IFF_TAP | IFF_NO_PI.
      var request = [UInt8](repeating: 0, count: 40)
      request.replaceSubrange(0..<name.utf8.count, with: name.utf8)
      request[16] = 0x02
      request[17] = 0x10
      let setInterface: UInt = 0x4004_54ca
      guard ioctl(descriptor, setInterface, &request) == 0 else {
        throw LabError("cannot make \(name): \(String(cString: strerror(errno)))")
      }
      return descriptor
    }.value()
  }
}
