package import CoreMetrics
import Synchronization

/// The metrics of one process: a swift-metrics backend that is rendered in the Prometheus text format 0.0.4.
///
/// Names: anything outside `[a-zA-Z0-9_:]` becomes `_`. At most `maximumSeries` series are kept; what comes after is
/// counted in `ordersd_metrics_dropped_total` and goes nowhere.
package final class PrometheusRegistry: MetricsFactory, Sendable {
  private struct State {
    var series: [SeriesKey: any Series] = [:]
    var dropped: UInt64 = 0
  }

  /// Most series kept.
  package let maximumSeries: Int
  private let state = Mutex(State())

  package init(maximumSeries: Int = 2_000) { self.maximumSeries = maximumSeries }

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, orDropTo: CounterSeries()) { CounterSeries() }
  }

  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(label, dimensions, orDropTo: FloatingCounterSeries()) { FloatingCounterSeries() }
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, orDropTo: GaugeSeries()) { GaugeSeries() }
  }

  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    aggregate
      ? series(label, dimensions, orDropTo: HistogramSeries(unit: 1)) { HistogramSeries(unit: 1) }
      : series(label, dimensions, orDropTo: GaugeSeries()) { GaugeSeries() }
  }

  /// Timers are rendered in seconds.
  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(label, dimensions, orDropTo: HistogramSeries(unit: 1e-9)) { HistogramSeries(unit: 1e-9) }
  }

  // Series live as long as the process: a handle that is let go must not lose its count.
  package func destroyCounter(_ handler: any CounterHandler) {}
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  package func destroyMeter(_ handler: any MeterHandler) {}
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  package func destroyTimer(_ handler: any TimerHandler) {}

  /// All series, sorted by name and labels.
  package func render() -> String {
    let (series, dropped) = state.withLock { ($0.series, $0.dropped) }
    var text = ""
    var lastName = ""
    for (key, value) in series.sorted(by: { $0.key < $1.key }) {
      if key.name != lastName {
        text += "# TYPE \(key.name) \(value.type)\n"
        lastName = key.name
      }
      value.render(name: key.name, labels: key.labels, into: &text)
    }
    text += "# TYPE ordersd_metrics_dropped_total counter\nordersd_metrics_dropped_total \(dropped)\n"
    return text
  }

  private func series<S: Series>(
    _ label: String, _ dimensions: [(String, String)], orDropTo overflow: @autoclosure () -> S, make: () -> S
  ) -> S {
    let key = SeriesKey(label, dimensions)
    return state.withLock { state in
      if let existing = state.series[key] as? S { return existing }
      guard state.series.count < maximumSeries, state.series[key] == nil else {
        state.dropped += 1
        return overflow()
      }
      let made = make()
      state.series[key] = made
      return made
    }
  }
}

private struct SeriesKey: Hashable, Comparable {
  let name: String
  /// `a="b",c="d"`, escaped.
  let labels: String

  init(_ label: String, _ dimensions: [(String, String)]) {
    name = String(
      label.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ":") ? $0 : "_" })
    labels = dimensions.map { "\($0)=\"\(escape($1))\"" }.joined(separator: ",")
  }

  static func < (left: SeriesKey, right: SeriesKey) -> Bool {
    (left.name, left.labels) < (right.name, right.labels)
  }
}

private func escape(_ value: String) -> String {
  var escaped = ""
  for character in value {
    switch character {
    case "\\": escaped += "\\\\"
    case "\"": escaped += "\\\""
    case "\n": escaped += "\\n"
    default: escaped.append(character)
    }
  }
  return escaped
}
