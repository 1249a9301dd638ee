import OrderDomain

extension SyntheticShop {
  /// Returns the regular customers, whose accounts may be taken over.
  mutating func addHonestOrders() -> [Person] {
    let regulars = (0..<900).map { _ in people.person() }
    for person in regulars { addRegular(person) }
    for _ in 0..<120 { addFamily() }
    for _ in 0..<6 { addDormitory() }
    for _ in 0..<25 { addBusiness() }
    for _ in 0..<60 { addTraveller() }
    for _ in 0..<50 { addDiscreet() }
    for _ in 0..<140 { addSplurge() }
    return regulars
  }

  private mutating func addRegular(_ person: Person) {
    for _ in 0..<people.number(1...6) {
      let away = people.chance(15) ? people.client() : nil
      let method = people.chance(15) ? "express" : "standard"
      if people.chance(10) {
        let country = people.chance(35) ? people.country(otherThan: person.home.country) : person.home.country
        let target = people.address(in: country)
        add(.gift, person, at: moment(), ordinaryBasket(), to: target, method: method, client: away)
      } else {
        add(.regular, person, at: moment(), ordinaryBasket(), method: method, client: away)
      }
    }
  }

  /// Two to four people; most pay with the card of the one who has it, whose name may be another.
  private mutating func addFamily() {
    let payer = people.person()
    var members = [payer]
    for _ in 0..<people.number(1...3) {
      var member = people.person(in: payer.home.country)
      member.home = payer.home
      member.client = payer.client
      if people.chance(60) { member.card = payer.card }
      members.append(member)
    }
    for member in members {
      for _ in 0..<people.number(1...3) { add(.family, member, at: moment(), ordinaryBasket()) }
    }
    // Before a birthday all of them order on the same evening.
    if people.chance(30) {
      let evening = moment()
      for (index, member) in members.enumerated() {
        add(.family, member, at: evening + index * people.number(60...900), ordinaryBasket())
      }
    }
  }

  /// Forty students at one street address and behind one network address.
  private mutating func addDormitory() {
    let (house, line) = (people.address(in: "EE"), people.client())
    for room in 1...40 {
      var student = people.person(in: people.chance(70) ? "EE" : nil)
      student.home = house
      // Half of them write their room down.
      if people.chance(50) { student.home.street += "-\(room)" }
      student.client = line
      for _ in 0..<people.number(1...2) {
        add(.dormitory, student, at: moment(), basket(Ware.books, lines: 1...3, each: 1...1))
      }
    }
  }

  /// Begins small, then several large orders a week, some on one day.
  private mutating func addBusiness() {
    let employee = people.person(in: people.chance(80) ? "EE" : nil)
    var firm = employee
    let name = people.name().split(separator: " ").last.map(String.init) ?? "Tamm"
    firm.name = "\(name) \(people.pick(["OÜ", "GmbH", "Catering", "School"]))"
    firm.email = "\(people.chance(60) ? name.lowercased() : "orders")\(people.number(1...9_999))@example.com"
    let first = people.number(0...20)
    for _ in 0..<2 { add(.business, firm, at: moment(from: first), ordinaryBasket()) }
    for _ in 0..<people.number(4...9) {
      let day = moment(from: first)
      let most = people.pick([20, 40, 40, 120])
      for index in 0..<people.number(1...3) {
        let wares = basket(Ware.goods, lines: 1...3, each: 5...most)
        let method = people.chance(20) ? "express" : "standard"
        add(.business, firm, at: day + index * people.number(120...1_800), wares, method: method)
      }
    }
  }

  private mutating func addTraveller() {
    let person = people.person()
    for _ in 0..<people.number(1...2) { add(.traveller, person, at: moment(), ordinaryBasket()) }
    let hotel = people.address(in: people.country(otherThan: person.home.country))
    let trip = moment()
    for index in 0..<people.number(1...2) {
      let wares =
        people.chance(20) ? [(people.pick(Ware.gadgets.prefix(3)), 1)] : ordinaryBasket()
      let method = people.chance(50) ? "express" : "standard"
      add(
        .traveller, person, at: trip + index * 7_200, wares, to: hotel, method: method,
        client: people.client())
    }
  }

  private mutating func addDiscreet() {
    var person = people.person()
    person.email = people.disposableEmail()
    for _ in 0..<people.number(1...2) { add(.discreet, person, at: moment(), ordinaryBasket()) }
  }

  private mutating func addSplurge() {
    let person = people.person()
    let wares = basket(Ware.gadgets, lines: 1...2, each: 1...1)
    add(.splurge, person, at: moment(), wares, method: people.chance(50) ? "express" : "standard")
  }
}
