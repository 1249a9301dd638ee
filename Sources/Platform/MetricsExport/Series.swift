import CoreMetrics
import Synchronization

/// One time series: takes values from any thread, renders itself as exposition lines.
protocol Series: AnyObject, Sendable {
  /// The Prometheus type: `counter`, `gauge` or `histogram`.
  var type: String { get }
  func render(name: String, labels: String, into text: inout String)
}

func line(_ name: String, _ labels: String, _ value: String, into text: inout String) {
  text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
}

final class CounterSeries: Series, CounterHandler {
  private let value = Atomic<Int64>(0)
  var type: String { "counter" }
  func increment(by amount: Int64) { value.wrappingAdd(amount, ordering: .relaxed) }
  func reset() { value.store(0, ordering: .relaxed) }
  func render(name: String, labels: String, into text: inout String) {
    line(name, labels, String(value.load(ordering: .relaxed)), into: &text)
  }
}

final class FloatingCounterSeries: Series, FloatingPointCounterHandler {
  private let value = Mutex(0.0)
  var type: String { "counter" }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func reset() { value.withLock { $0 = 0 } }
  func render(name: String, labels: String, into text: inout String) {
    line(name, labels, String(value.withLock { $0 }), into: &text)
  }
}

final class GaugeSeries: Series, MeterHandler, RecorderHandler {
  private let value = Mutex(0.0)
  var type: String { "gauge" }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLock { $0 = value } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }
  func render(name: String, labels: String, into text: inout String) {
    line(name, labels, String(value.withLock { $0 }), into: &text)
  }
}

/// A histogram with three buckets for each power of ten, from 100 µs to 100 s (for timers) or 1e-4 … 1e5 (values).
final class HistogramSeries: Series, RecorderHandler, TimerHandler {
  private struct State {
    var buckets = [UInt64](repeating: 0, count: HistogramSeries.bounds.count)
    var count: UInt64 = 0
    var sum = 0.0
  }

  private static let bounds: [Double] = [
    1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100,
    250, 500,
    1_000, 10_000, 100_000,
  ]

  private let unit: Double
  private let state = Mutex(State())
  var type: String { "histogram" }

  /// Values are multiplied by `unit` before they are taken.
  init(unit: Double) { self.unit = unit }

  func record(_ value: Int64) { record(Double(value)) }
  func recordNanoseconds(_ duration: Int64) { record(Double(duration)) }

  func record(_ value: Double) {
    let scaled = value * unit
    state.withLock { state in
      state.count += 1
      state.sum += scaled
      if let bucket = Self.bounds.firstIndex(where: { scaled <= $0 }) { state.buckets[bucket] += 1 }
    }
  }

  func render(name: String, labels: String, into text: inout String) {
    let state = state.withLock { $0 }
    let separator = labels.isEmpty ? "" : ","
    var cumulative: UInt64 = 0
    for (bound, count) in zip(Self.bounds, state.buckets) {
      cumulative += count
      line("\(name)_bucket", "\(labels)\(separator)le=\"\(bound)\"", String(cumulative), into: &text)
    }
    line("\(name)_bucket", "\(labels)\(separator)le=\"+Inf\"", String(state.count), into: &text)
    line("\(name)_sum", labels, String(state.sum), into: &text)
    line("\(name)_count", labels, String(state.count), into: &text)
  }
}
