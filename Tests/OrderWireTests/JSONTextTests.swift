import OrderDomain
import OrderWire
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What is written is what Foundation reads, and means the same as what Foundation writes.
@Suite struct JSONTextTests {
  private struct Everything: Codable, Equatable {
    struct Inner: Codable, Equatable {
      var text: String?
      var numbers: [Double]
    }
    struct Nothing: Codable, Equatable {}

    var text = "Ülikooli \"18\" \\ /\u{0}\u{1F}\t\r\n🚲"
    var small: Int8 = -128
    var large = UInt64.max
    var lowest = Int64.min
    var flag = true
    var absent: Int?
    var inner = Inner(text: nil, numbers: [0, -1.5, 5, 1e300, 0.1])
    var list: [[Inner]] = [[], [Inner(text: "", numbers: [])]]
    var clock: [String: UInt64] = ["orchestrator": 7, "executor-3": 1]
    var options: [Int?] = [1, nil, 3]
    var nothing = Nothing()
    var currency = Currency("EUR")
  }

  @Test func foundationReadsWhatIsWritten() throws {
    let value = Everything()
    let bytes = try JSONText.encode(value)
    #expect(try JSONDecoder().decode(Everything.self, from: Data(bytes)) == value)
  }

  @Test func keysKeepTheirOrderAndAbsentOnesAreLeftOut() throws {
    struct Pair: Encodable {
      var zebra = 1
      var absent: String?
      var ant = "a/b"
    }
    #expect(try JSONText.string([Pair(), Pair()]) == #"[{"zebra":1,"ant":"a/b"},{"zebra":1,"ant":"a/b"}]"#)
    #expect(try JSONText.string("a\u{1}b") == #""a\u0001b""#)
    #expect(try JSONText.string([String]()) == "[]")
  }

  @Test(arguments: [Double.nan, .infinity]) func aNumberThatJSONDoesNotHaveIsRefused(_ number: Double) {
    #expect(throws: EncodingError.self) { try JSONText.encode([number]) }
  }
}
