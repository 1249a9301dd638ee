/// What this is.
package enum Release {
  /// As in packaging/debian/changelog (tested).
  package static let version = "0.1.0"
}
