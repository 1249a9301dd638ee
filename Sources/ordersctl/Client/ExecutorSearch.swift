import DaemonKit
import OrderProtos

/// What an executor says of itself, or why it does not.
struct ExecutorAnswer: Sendable {
  let endpoint: NetworkEndpoint
  let status: Result<Ordersd_V1_ExecutorStatus, any Error>

  /// Nil when it does not answer.
  var found: Ordersd_V1_ExecutorStatus? {
    switch status {
    case .success(let status): status
    case .failure: nil
    }
  }
}

/// Looks for executors at their default ports, 50060 + id.
enum ExecutorSearch {
  private static let nine = Array(1...9)
  /// Executors beyond these nine that are asked.
  private static let mostFurther = 64

  /// Executors that answer, by port: of 1 to 9, of those that the queue names as holders of a lane, and of the
  /// peers of all these. A port that nobody answers at means that there is no such executor.
  ///
  /// `base`: the host, and the port that an executor with the id 0 would have.
  static func run(from base: NetworkEndpoint, queue: NetworkEndpoint) async -> [ExecutorAnswer] {
    async let usual = ask(nine, base)
    let held = further(await holders(queue), besides: nine, base)
    let holding = await ask(held, base)
    let answers = await usual + holding
    let peers = answers.compactMap(\.found).flatMap { $0.peers.map { Int($0.executorID) } }
    let rest = further(peers, besides: nine + held, base).prefix(mostFurther - held.count)
    let all = await answers + ask(Array(rest), base)
    return all.filter { $0.found != nil }.sorted { $0.endpoint.port < $1.endpoint.port }
  }

  static func ask(_ endpoints: [NetworkEndpoint]) async -> [ExecutorAnswer] {
    await concurrently(endpoints) { endpoint in
      do {
        let status = try await RoleClient.status(ofExecutorAt: endpoint)
        return ExecutorAnswer(endpoint: endpoint, status: .success(status))
      } catch {
        return ExecutorAnswer(endpoint: endpoint, status: .failure(error))
      }
    }
  }

  /// The answers in the order of the questions.
  static func concurrently<Question: Sendable, Answer: Sendable>(
    _ questions: [Question], _ ask: @Sendable @escaping (Question) async -> Answer
  ) async -> [Answer] {
    await withTaskGroup(of: (Int, Answer).self) { group in
      for (index, question) in questions.enumerated() {
        group.addTask { (index, await ask(question)) }
      }
      var answers: [(Int, Answer)] = []
      for await answer in group { answers.append(answer) }
      return answers.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  private static func ask(_ ids: [Int], _ base: NetworkEndpoint) async -> [ExecutorAnswer] {
    await ask(ids.map { NetworkEndpoint(host: base.host, port: base.port + $0) })
  }

  /// Those of `ids` that are to be asked, too: each once, and only where there can be a port.
  private static func further(_ ids: [Int], besides asked: [Int], _ base: NetworkEndpoint) -> [Int] {
    var seen = Set(asked)
    let new = ids.filter { $0 > 0 && $0 <= 65_535 - base.port && seen.insert($0).inserted }
    return Array(new.prefix(mostFurther))
  }

  /// The ids of the executors that hold a lane.
  private static func holders(_ queue: NetworkEndpoint) async -> [Int] {
    // Without the queue's word there are still the nine and their peers.
    guard let stats = try? await RoleClient.stats(queue) else { return [] }
    return stats.lanes.compactMap { lane in
      lane.holder.hasPrefix("executor-") ? Int(lane.holder.dropFirst("executor-".count)) : nil
    }
  }
}
