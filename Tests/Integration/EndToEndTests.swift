import CheckoutFlow
import Foundation
import Testing
import VectorClock

extension Integration {
  /// Real processes, real sockets, real files.
  @Suite("End to end")
  struct EndToEndTests {
    @Test(
      "The examples: approved ones are executed by the highest executor, bad ones rejected where they should be"
    )
    func examples() async throws {
      try await Cluster.with { cluster in
        for name in ["order.json", "order-economy.json"] {
          let order = try await cluster.submit(try Programs.example(name))
          #expect(order.rejection == nil)
          #expect(order.suggestions?.degraded == false)
          #expect(order.suggestions?.items.isEmpty == false)
          let executed = try await cluster.settled(order.orderId)
          #expect(executed.state == "executed")
          #expect(executed.execution?.executor == "executor-3")
          try await cluster.expectCausalOrder(of: order.orderId)
        }
        let bad = [
          ("order-expired-card.json", "c", "transaction-verification", "card_expired"),
          ("order-unknown-item.json", "a", "transaction-verification", "item_unknown"),
          ("order-fraud.json", "e", "fraud-detection", nil as String?),
        ]
        for (name, event, service, code) in bad {
          let order = try await cluster.submit(try Programs.example(name))
          #expect(order.state == "rejected")
          #expect(order.rejection?.event.id == event, "\(name)")
          #expect(order.rejection?.service == service)
          if let code { #expect(order.rejection?.code == code) }
          #expect(order.rejection?.retryable == false)
        }
        #expect(try cluster.executions().values.allSatisfy { $0 == 1 })
        try cluster.expectNoCardData()
      }
    }

    @Test("ordersctl: submit, wait, get, list, health, election, queue, and its exit codes")
    func controlPlane() async throws {
      try await Cluster.with { cluster in
        let good = try await cluster.ordersctl("submit", "examples/order.json", "--wait", "executed")
        #expect(good.status == 0, "\(good.errors)")
        #expect(good.output.contains("executor-3"))
        // As with the units, every thread of a role waits for its turn (sched(7)).
        for role in ["transaction-verification", "order-queue", "orchestrator", "executor-2"] {
          let threads = try await Programs.run(
            URL(fileURLWithPath: "/usr/bin/chrt"),
            ["--all-tasks", "--pid", String(try cluster.pid(of: role))])
          let policies = Set(
            threads.output.split(separator: "\n").filter { $0.contains("policy") }.map {
              $0.split(separator: " ").last
            })
          #expect(policies == ["SCHED_BATCH"], "\(role): \(threads.output)\(threads.errors)")
        }
        let bad = try await cluster.ordersctl("submit", "examples/order-expired-card.json")
        #expect(bad.status == 3)
        let told = bad.output + bad.errors
        #expect(told.contains("transaction-verification") && told.contains("card_expired"))
        let unknown = try await cluster.ordersctl("get", "01890000-0000-7000-8000-000000000000")
        #expect(unknown.status == 4)
        #expect(try await cluster.ordersctl("submit", "examples/absent.json").status == 64)
        #expect(try await cluster.ordersctl("frobnicate").status == 64)
        for command in [["health"], ["election", "status"], ["queue", "stats"], ["list"]] {
          let table = try await Programs.run(
            Programs.ordersctl, command + ["--port-offset", String(cluster.portOffset)])
          #expect(table.status == 0, "\(command): \(table.errors)")
          let json = try await Programs.run(
            Programs.ordersctl, command + ["-o", "json", "--port-offset", String(cluster.portOffset)])
          #expect((try? JSONSerialization.jsonObject(with: Data(json.output.utf8))) != nil, "\(command)")
        }
      }
    }

    @Test(
      "kill -9 of the leader: the next takes over, every order is carried out, none twice; the highest comes back"
    )
    func leaderKilled() async throws {
      try await Cluster.with { cluster in
        let ids = try await cluster.submitMany(60)
        let old = try cluster.signal("executor-3", SIGKILL)
        try await cluster.allExecuted(ids, repeats: Cluster.credits)
        try await eventually("executor-3 runs again", within: .seconds(20)) {
          guard let role = try cluster.report()?.roles["executor-3"] else { return false }
          return role.ready && role.pid != old
        }
        try await eventually("executor-3 leads again", within: .seconds(20)) {
          try await cluster.get("/v1/status", as: StatusView.self).leaders.first?.holder == "executor-3"
        }
      }
    }

    @Test("While the highest executor is stopped, the next one leads and executes")
    func leaderStopped() async throws {
      try await Cluster.with { cluster in
        try cluster.signal("executor-3", SIGSTOP)
        defer { _ = try? cluster.signal("executor-3", SIGCONT) }
        let order = try await cluster.submit(try Programs.example("order.json"))
        let executed = try await cluster.settled(order.orderId)
        #expect(executed.state == "executed")
        #expect(executed.execution?.executor != "executor-3")
      }
    }

    @Test("kill -9 of the order-queue with orders in it: nothing is lost")
    func queueKilled() async throws {
      try await Cluster.with { cluster in
        let ids = try await cluster.submitMany(60)
        try cluster.signal("order-queue", SIGKILL)
        try await cluster.allExecuted(ids, repeats: Cluster.credits)
      }
    }

    @Test(
      "200 orders while the leader and the queue are each killed once: 200 executed, none lost, none twice")
    func twoHundred() async throws {
      try await Cluster.with { cluster in
        async let submitted = cluster.submitMany(200)
        try await eventually("orders are executed", within: .seconds(60)) {
          try await cluster.orders(in: "executed") > 10
        }
        try cluster.signal("executor-3", SIGKILL)
        try await eventually("more are executed", within: .seconds(60)) {
          try await cluster.orders(in: "executed") > 40
        }
        try cluster.signal("order-queue", SIGKILL)
        try await cluster.allExecuted(try await submitted, repeats: 2 * Cluster.credits)
        try cluster.expectNoCardData()
      }
    }

    @Test("kill -9 of the orchestrator: orders that were approved are carried out")
    func orchestratorKilled() async throws {
      try await Cluster.with { cluster in
        let ids = try await cluster.submitMany(40)
        let old = try cluster.signal("orchestrator", SIGKILL)
        try await eventually("the orchestrator is back", within: .seconds(30)) {
          guard let role = try cluster.report()?.roles["orchestrator"] else { return false }
          return role.ready && role.pid != old
        }
        try await cluster.allExecuted(ids)
      }
    }

    @Test(
      "A check that hangs: the answer comes within the order's deadline, names it, and can be tried again")
    func hangingCheck() async throws {
      try await Cluster.with(["orchestrator.order-deadline": "1s"]) { cluster in
        try cluster.signal("fraud-detection", SIGSTOP)
        let began = ContinuousClock.now
        let order = try await cluster.submit(try Programs.example("order.json"))
        let took = ContinuousClock.now - began
        try cluster.signal("fraud-detection", SIGCONT)
        #expect(order.state == "rejected")
        #expect(order.rejection?.service == "fraud-detection")
        #expect(order.rejection?.code == "service_unavailable")
        #expect(order.rejection?.retryable == true)
        #expect(took < .seconds(5))
      }
    }

    @Test("A check that is down is named; suggestions that are down only degrade the answer")
    func checksDown() async throws {
      let dead = try #require(Ports.Holder(port: 0)).port
      try await Cluster.with(["fraud-detection.endpoint": "127.0.0.1:\(dead)"]) { cluster in
        let order = try await cluster.submit(try Programs.example("order.json"))
        #expect(order.rejection?.service == "fraud-detection")
        #expect(order.rejection?.code == "service_unavailable")
        #expect(order.rejection?.retryable == true)
      }
      try await Cluster.with(["suggestions.endpoint": "127.0.0.1:\(dead)"]) { cluster in
        let order = try await cluster.submit(try Programs.example("order.json"))
        #expect(order.rejection == nil)
        #expect(order.suggestions?.degraded == true)
        #expect(try await cluster.settled(order.orderId).state == "executed")
      }
    }
  }
}

extension Cluster {
  /// Submits `count` orders, eight at a time, and returns the ids. Retries what is refused as retryable, with the same
  /// key, as a client does.
  func submitMany(_ count: Int) async throws -> [String] {
    let body = try Programs.example("order.json")
    return try await withThrowingTaskGroup(of: String.self) { group in
      var ids: [String] = []
      for number in 0..<count {
        if number >= 8, let id = try await group.next() { ids.append(id) }
        group.addTask {
          let order = try await self.submit(body, key: "order-\(number)")
          guard order.rejection == nil else {
            throw IntegrationError("an order was rejected: \(String(describing: order.rejection))")
          }
          return order.orderId
        }
      }
      for try await id in group { ids.append(id) }
      return ids
    }
  }

  func settled(_ id: String) async throws -> OrderView {
    let final: Set = ["executed", "rejected", "failed", "cancelled", "expired"]
    try await eventually("order \(id) is settled", within: .seconds(30)) {
      final.contains(try await get("/v1/orders/\(id)", as: OrderView.self).state)
    }
    return try await get("/v1/orders/\(id)", as: OrderView.self)
  }

  /// Orders in flight at one executor: the default of `executor.credits`.
  static let credits = 16

  /// Every one of `ids` ends as executed, and its effect is there exactly once.
  ///
  /// `repeats`: how many deliveries there may be beyond one for each order. Whoever is killed between the effect of an
  /// order and the queue's confirmation leaves it to be delivered again, under the same idempotency key: no more than
  /// were in flight, which `credits` bounds.
  func allExecuted(_ ids: [String], repeats: Int = 0, within limit: Duration = .seconds(120)) async throws {
    #expect(Set(ids).count == ids.count)
    try await eventually("\(ids.count) orders are executed", within: limit) {
      try await orders(in: "executed") >= ids.count
    }
    let executions = try executions()
    #expect(executions.count == ids.count)
    for id in ids { #expect(executions[id] == 1, "order \(id)") }
    let delivered = try deliveries().values.reduce(0, +)
    #expect(
      (ids.count...ids.count + repeats).contains(delivered), "\(delivered) deliveries of \(ids.count) orders")
  }

  /// The clocks of the order's timeline keep the event table: what an event waits for happened before it.
  func expectCausalOrder(of id: String) async throws {
    let timeline = try await get("/v1/orders/\(id)/events", as: TimelineView.self)
    let clocks = Dictionary(
      timeline.entries.compactMap { entry in entry.event.map { ($0, VectorClock(entry.clock)) } },
      uniquingKeysWith: { first, _ in first })
    for event in EventTable.checkout.events {
      let clock = try #require(clocks[event.id], "event \(event.id) is not in the timeline")
      for before in event.after {
        let earlier = try #require(clocks[before])
        #expect(
          earlier.happenedBefore(clock), "\(before) \(earlier) must have happened before \(event.id) \(clock)"
        )
      }
    }
    let states = timeline.entries.map(\.state)
    for state in ["received", "verifying", "approved", "queued", "executing", "executed"] {
      #expect(states.contains(state), "\(state) is not in the timeline")
    }
    let last = try #require(timeline.entries.last { $0.state == "executed" })
    #expect(last.actor == "executor-3")
    #expect((last.clock["executor-3"] ?? 0) > 0)
  }

  /// No card number and no CVV in any file: databases, WAL files, logs.
  func expectNoCardData() throws {
    let needles = ["4111111111111111", "4111 1111", "\"cvv\""].map { Data($0.utf8) }
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    #expect(names.count > 5)
    for name in names {
      guard let data = try? Data(contentsOf: folder.appendingPathComponent(name)) else { continue }
      for needle in needles { #expect(data.range(of: needle) == nil, "\(name) holds card data") }
    }
  }
}
