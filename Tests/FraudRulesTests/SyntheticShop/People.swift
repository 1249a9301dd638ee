import FraudRules
import OrderDomain
import Randomness

/// Makes up people, cards and addresses. Everything follows from the seed.
struct People {
  static let countries = ["EE", "FI", "LV", "DE", "SE", "US", "GB", "FR"]
  private static let firstNames = [
    "Ada", "Aino", "Alan", "Anna", "Barbara", "Carl", "Dennis", "Edith", "Edsger", "Eero", "Frances", "Grace",
    "Hedy", "Ingrid", "Jaan", "Jean", "John", "Jüri", "Katrin", "Ken", "Kristi", "Lars", "Leslie", "Liisa",
    "Maria", "Mati", "Niklaus", "Olga", "Peter", "Radia", "Robin", "Sofia", "Tarmo", "Tiina", "Tony", "Ülle",
  ]
  private static let lastNames = [
    "Allen", "Backus", "Bartik", "Cerf", "Clarke", "Dahl", "Dijkstra", "Floyd", "Goldberg", "Hamming",
    "Hoare",
    "Hopper", "Järvi", "Kask", "Keller", "Kivi", "Knuth", "Kuusk", "Lamarr", "Lamport", "Lepik", "Liskov",
    "Lovelace", "Mägi", "Naur", "Nygaard", "Oja", "Perlman", "Põld", "Rebane", "Saar", "Shaw", "Tamm",
    "Thompson", "Turing", "Wirth",
  ]
  private static let nicknames = [
    "bookworm", "catlover", "darkstar", "gardener", "kalamees", "nightowl", "rallifan", "sunshine", "teatime",
    "wanderer",
  ]
  private static let streets = ["Aia", "Kalda", "Lai", "Mere", "Metsa", "Pargi", "Ranna", "Tamme", "Uus"]

  var random: SplitMix64
  private var made = 0

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// True in `percent` of a hundred cases.
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  mutating func pick<Choices: Collection>(_ choices: Choices) -> Choices.Element {
    choices[choices.index(choices.startIndex, offsetBy: Int.random(in: 0..<choices.count, using: &random))]
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  /// Half the shop's customers live where it is.
  mutating func country() -> String { chance(50) ? "EE" : pick(Self.countries) }

  mutating func country(otherThan country: String) -> String {
    pick(Self.countries.filter { $0 != country })
  }

  mutating func address(in country: String) -> Address {
    made += 1
    return Address(
      street: "\(pick(Self.streets)) \(made)", city: "City \(number(1...40))",
      postalCode: "\(number(10_000...99_999))", country: country)
  }

  /// Out of 198.18.0.0/15, which RFC 2544 sets aside for tests.
  mutating func client() -> String { "198.\(number(18...19)).\(number(0...255)).\(number(0...255))" }

  mutating func name() -> String { "\(pick(Self.firstNames)) \(pick(Self.lastNames))" }

  /// Mostly made of the name, as people do it, and sometimes of something else.
  mutating func email(for name: String) -> String {
    let words = name.lowercased().split(separator: " ")
    let (first, last) = (words.first ?? "", words.last ?? "")
    made += 1
    let local =
      switch number(0...9) {
      case 0...4: "\(first).\(last)\(made)"
      case 5, 6: "\(first.prefix(1))\(last)\(made)"
      case 7: "\(last)\(number(50...99))x\(made)"
      default: "\(pick(Self.nicknames))\(made)"
      }
    return "\(local)@\(pick(["example.org", "example.com", "example.net"]))"
  }

  mutating func randomEmail() -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
    let local = String((0..<12).map { _ in pick(letters) })
    return "\(local)@\(pick(["example.com", "example.net"]))"
  }

  mutating func disposableEmail() -> String {
    made += 1
    return "\(pick(Self.nicknames))\(made)@\(pick(["mailinator.com", "yopmail.com", "guerrillamail.com"]))"
  }

  /// A card of a made-up range: 49, two digits for the country, and so on, with a right check digit.
  mutating func card(of country: String, holder: String) -> Card {
    let index = Self.countries.firstIndex(of: country) ?? 0
    var digits = [4, 9, index / 10, index % 10] + (0..<11).map { _ in number(0...9) }
    let sum = digits.reversed().enumerated().reduce(0) { sum, next in
      let value = next.offset % 2 == 0 ? next.element * 2 : next.element
      return sum + (value > 9 ? value - 9 : value)
    }
    digits.append((10 - sum % 10) % 10)
    return Card(
      holder: holder.uppercased(), number: digits.map(String.init).joined(), expiry: "12/30", cvv: "123")
  }

  /// Which of those ranges belongs to which country.
  static func cardRanges() throws -> CardRanges {
    let ranges = countries.enumerated().compactMap { index, country in
      let prefix = "49\(index / 10)\(index % 10)"
      return CardRanges.Range(first: prefix, last: prefix, country: country)
    }
    return try CardRanges.make(ranges).get()
  }

  /// One in twenty-five has a card of another country than the one they live in.
  mutating func person(in country: String? = nil) -> Person {
    let country = country ?? self.country()
    let name = name()
    let bank = chance(4) ? self.country(otherThan: country) : country
    return Person(
      name: name, email: email(for: name), home: address(in: country), card: card(of: bank, holder: name),
      client: client())
  }
}
