#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The processes that were started together, as `/proc` tells of them (proc_pid_stat(5)).
enum ProcessGroup {
  /// Whether one of the group still runs. One that has ended and is not reaped does not.
  static func isAlive(_ group: pid_t) -> Bool {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.contains { name in
      guard let process = pid_t(name),
        let stat = FileManager.default.contents(atPath: "/proc/\(process)/stat")
      else { return false }
      return isAlive(in: group, String(decoding: stat, as: UTF8.self))
    }
  }

  /// `stat`: `1234 (name) S 1 1200 …`: state, parent, group; the name may hold anything.
  static func isAlive(in group: pid_t, _ stat: String) -> Bool {
    guard let end = stat.lastIndex(of: ")") else { return false }
    let fields = stat[stat.index(after: end)...].split(separator: " ", maxSplits: 3)
    return fields.count > 2 && fields[0] != "Z" && fields[0] != "X" && pid_t(fields[2]) == group
  }
}
