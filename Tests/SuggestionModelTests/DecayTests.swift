import CoreTime
import Testing

@testable import SuggestionModel

@Test func powersOfTwoAreExactEnough() {
  for (exponent, value) in [(0.0, 1.0), (1, 2), (-1, 0.5), (10, 1_024), (0.5, 1.414_213_562_373_095_1)] {
    #expect(abs(powerOfTwo(exponent) - value) <= value * 4e-16)
  }
  #expect(powerOfTwo(-2_000) == 0 && powerOfTwo(2_000).isFinite)
}

@Test func anOrderCountsHalfAfterOneHalfLife() {
  var decay = Decay(halfLife: .seconds(86_400))
  #expect(decay.advance(to: day(0)) == (1, nil))
  #expect(decay.advance(to: day(1)) == (2, nil))
  #expect(decay.advance(to: day(3)) == (8, nil))
  #expect(decay.unit == 8)
  #expect(decay.advance(to: day(-1)) == (0.5, nil))
  #expect(decay.unit == 8)
}

/// What was learned is rescaled long before numbers overflow, and the suggestions stay the same.
@Test func centuriesDoNotOverflow() throws {
  var model = SuggestionModel(catalog: try plainCatalog(3), tuning: .init(halfLife: .seconds(86_400)))
  for number in stride(from: 0, to: 100_000, by: 50) {
    model.learn(basket: ["item-0", "item-1"], at: day(number))
    model.learn(basket: ["item-0", "item-2"], at: day(number + 1))
    #expect(model.suggest(for: ["item-0"], limit: 2).map(\.sku) == ["item-2", "item-1"])
    #expect(model.rows.allSatisfy { $0.weight.isFinite && $0.weight > 0 })
  }
  // A clock that was wrong for a moment: from the year 1 to far in the future.
  model.learn(basket: ["item-1", "item-2"], at: Timestamp(milliseconds: .min))
  model.learn(basket: ["item-1", "item-2"], at: Timestamp(milliseconds: .max))
  #expect(model.suggest(for: ["item-1"], limit: 1).map(\.sku) == ["item-2"])
  #expect(model.rows.allSatisfy { $0.weight.isFinite })
}
