import Randomness
import Testing

/// The reference sequence of seed 1234567, as Sebastiano Vigna's splitmix64.c gives it.
@Test func itIsTheOneThatIsPublished() {
  var random = SplitMix64(seed: 1_234_567)
  let expected: [UInt64] = [
    6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
    4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
  ]
  #expect(expected.map { _ in random.next() } == expected)
}

@Test func aCopyGoesOnAlike() {
  var one = SplitMix64(seed: 7)
  _ = one.next()
  var other = one
  #expect((0..<10).map { _ in one.next() } == (0..<10).map { _ in other.next() })
}
