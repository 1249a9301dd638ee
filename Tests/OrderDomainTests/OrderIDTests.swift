import CoreTime
import FoundationEssentials
import OrderDomain
import Randomness
import Testing

@Test(arguments: UInt64(1)...20) func idsSurviveTextAndJSON(seed: UInt64) throws {
  var random = SplitMix64(seed: seed)
  for _ in 0..<100 {
    let time = Timestamp(milliseconds: Int64.random(in: 0..<(1 << 48), using: &random))
    let id = OrderID(at: time, using: &random)
    #expect(id.time == time)
    let text = id.description
    #expect(text.utf8.count == 36 && text == text.lowercased())
    #expect(Array(text)[14] == "7" && "89ab".contains(Array(text)[19]))
    #expect(OrderID(text) == id && OrderID(text.uppercased()) == id)
    #expect(UUID(uuidString: text)?.uuidString == text.uppercased())
    let data = try JSONEncoder().encode(id)
    #expect(try JSONDecoder().decode(OrderID.self, from: data) == id)
  }
}

@Test(arguments: UInt64(1)...20) func idsSortByTheTimeTheyWereMade(seed: UInt64) {
  var random = SplitMix64(seed: seed)
  var ids: [OrderID] = []
  var time: Int64 = 1_795_305_600_000
  for _ in 0..<200 {
    time += Int64.random(in: 1...1_000, using: &random)
    ids.append(OrderID(at: Timestamp(milliseconds: time), using: &random))
  }
  let shuffled = ids.shuffled(using: &random)
  #expect(shuffled.sorted() == ids)
  #expect(shuffled.map(\.description).sorted() == ids.map(\.description))
  #expect(Set(ids).count == ids.count)
}

/// The example of RFC 9562, appendix A.6.
@Test func theExampleOfTheStandard() throws {
  let id = try #require(OrderID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"))
  #expect(id.time.rfc3339 == "2022-02-22T19:22:22.000Z")
  #expect(id.high == 0x017F_22E2_79B0_7CC3 && id.low == 0x98C4_DC0C_0C07_398F)
}

@Test(arguments: [
  "", "017F22E279B07CC398C4DC0C0C07398F", "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
  "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
  "017f22e2-79b0-4cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
  "017f22e2-79b0-7cc3-c8c4-dc0c0c07398f", "017f22e2_79b0-7cc3-98c4-dc0c0c07398f",
  "g17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}",
  " 017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n",
  "٠17f22e2-79b0-7cc3-98c4-dc0c0c07398f", "------------------------------------",
  "00000000-0000-0000-0000-000000000000",
])
func whatIsNoId(_ text: String) throws {
  #expect(OrderID(text) == nil)
  let data = try JSONEncoder().encode(text)
  #expect(throws: DecodingError.self) { try JSONDecoder().decode(OrderID.self, from: data) }
}

@Test(arguments: [(-1, 0), (.min, 0), (1 << 48, 0), (.max, (1 << 48) - 1)] as [(Int64, Int64)])
func timesThatDoNotFitDoNotTrap(milliseconds: Int64, kept: Int64) {
  var random = SplitMix64(seed: 1)
  let id = OrderID(at: Timestamp(milliseconds: milliseconds), using: &random)
  #expect(id.time.milliseconds == kept)
  #expect(OrderID(id.description) == id)
}
