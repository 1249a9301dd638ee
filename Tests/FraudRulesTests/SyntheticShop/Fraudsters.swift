import OrderDomain

extension SyntheticShop {
  mutating func addFraud(regulars: [Person]) {
    for _ in 0..<12 { addCardTesting() }
    for _ in 0..<20 { addRing() }
    for _ in 0..<40 { addCarefulThief() }
    for _ in 0..<25 { addTakeover(of: people.pick(regulars)) }
  }

  /// Card after card, a small thing each, seconds apart. Some make up a person for each, some do not care.
  private mutating func addCardTesting() {
    let client = people.client()
    var thief = people.person()
    let makesUpPeople = people.chance(50)
    var time = moment()
    for _ in 0..<people.number(8...25) {
      if makesUpPeople {
        thief = people.person()
        thief.email = people.randomEmail()
      }
      // One in five has found a line of its own for this order.
      let line = people.chance(20) ? people.client() : client
      let country = people.country()
      let card = people.card(of: country, holder: people.chance(50) ? thief.name : people.name())
      add(.cardTesting, thief, at: time, [(people.pick(Ware.books.prefix(10)), 1)], card: card, client: line)
      time += people.number(10...90)
    }
  }

  /// Several people at a drop address, or a forwarder's, over a day or two.
  private mutating func addRing() {
    let country = people.country()
    let drop = people.address(in: country)
    let lines = (0..<3).map { _ in people.client() }
    var time = moment()
    for _ in 0..<people.number(3...8) {
      let victim = people.person(in: people.chance(75) ? people.country(otherThan: country) : country)
      var thief = victim
      if people.chance(50) { thief.name = people.name() }
      thief.email =
        switch people.number(0...9) {
        case 0...3: people.disposableEmail()
        case 4...6: people.randomEmail()
        default: people.email(for: thief.name)
        }
      // Either the victim's own address stands on the invoice, or the drop does.
      if people.chance(50) { thief.home = drop }
      let wares = basket(Ware.gadgets, lines: 1...2, each: 1...4)
      let method = people.chance(70) ? "express" : "standard"
      add(
        .ring, thief, at: time, wares, to: drop, card: victim.card, method: method, client: people.pick(lines)
      )
      time += people.number(600...36_000)
    }
  }

  private mutating func addCarefulThief() {
    let victim = people.person()
    var thief = victim
    thief.email = people.email(for: victim.name)
    thief.client = people.client()
    let country = people.chance(60) ? people.country(otherThan: victim.home.country) : victim.home.country
    let wares = basket(Ware.gadgets, lines: 1...1, each: 1...2)
    let method = people.chance(60) ? "express" : "standard"
    add(.careful, thief, at: moment(), wares, to: people.address(in: country), method: method)
  }

  /// Late in the sixty days, so that most of the accounts have a history.
  private mutating func addTakeover(of customer: Person) {
    let country = people.chance(60) ? people.country(otherThan: customer.home.country) : customer.home.country
    let drop = people.address(in: country)
    let client = people.client()
    var time = moment(from: 40)
    for _ in 0..<people.number(1...3) {
      let wares = basket(Ware.gadgets, lines: 1...2, each: 1...2)
      let method = people.chance(70) ? "express" : "standard"
      add(.takeover, customer, at: time, wares, to: drop, method: method, client: client)
      time += people.number(300...7_200)
    }
  }
}
