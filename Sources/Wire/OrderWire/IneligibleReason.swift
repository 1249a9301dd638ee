/// What `ExecutorStatus.ineligible_reason` says where programs act on it.
package enum IneligibleReason {
  /// An operator asked for it, for a bounded time.
  package static let steppedDown = "stepped down"
}
