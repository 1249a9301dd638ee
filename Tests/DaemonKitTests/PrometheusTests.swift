import CoreMetrics
import MetricsExport
import Testing

@Suite struct PrometheusTests {
  @Test func countersGaugesAndTimersAreRendered() {
    let registry = PrometheusRegistry()
    registry.makeCounter(label: "orders.total", dimensions: [("state", "executed")]).increment(by: 3)
    registry.makeMeter(label: "depth", dimensions: []).set(7.5)
    registry.makeTimer(label: "checkout_seconds", dimensions: []).recordNanoseconds(2_000_000)
    let lines = registry.render().split(separator: "\n").map(String.init)
    #expect(lines.contains("# TYPE orders_total counter"))
    #expect(lines.contains("orders_total{state=\"executed\"} 3"))
    #expect(lines.contains("depth 7.5"))
    #expect(lines.contains("checkout_seconds_bucket{le=\"0.001\"} 0"))
    #expect(lines.contains("checkout_seconds_bucket{le=\"0.0025\"} 1"))
    #expect(lines.contains("checkout_seconds_bucket{le=\"+Inf\"} 1"))
    #expect(lines.contains("checkout_seconds_count 1"))
  }

  @Test func theSameNameAndLabelsAreOneSeries() {
    let registry = PrometheusRegistry()
    for _ in 0..<2 { registry.makeCounter(label: "a", dimensions: [("b", "c")]).increment(by: 1) }
    #expect(registry.render().contains("a{b=\"c\"} 2\n"))
  }

  @Test func labelValuesAreEscaped() {
    let registry = PrometheusRegistry()
    registry.makeCounter(label: "a", dimensions: [("b", "say \"x\\y\"\nz")]).increment(by: 1)
    #expect(registry.render().contains(#"a{b="say \"x\\y\"\nz"} 1"#))
  }

  @Test func seriesBeyondTheLimitAreDroppedAndCounted() {
    let registry = PrometheusRegistry(maximumSeries: 2)
    for name in ["a", "b", "c"] { registry.makeCounter(label: name, dimensions: []).increment(by: 1) }
    let text = registry.render()
    #expect(text.contains("a 1\n") && text.contains("b 1\n") && !text.contains("c 1\n"))
    #expect(text.contains("ordersd_metrics_dropped_total 1\n"))
  }
}
