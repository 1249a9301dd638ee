import Testing

/// Everything that starts real processes. One test at a time: the machine is small, and they measure time.
@Suite(.serialized)
enum Integration {}
