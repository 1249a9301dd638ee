extension KeyedDecodingContainer {
  /// A whole number that fits `Number`.
  ///
  /// JSONDecoder tells `1.5` and `1e30` as if the whole document were not JSON, and not where they stand. Here
  /// they are a
  /// `DecodingError.dataCorrupted` at their key, whose description says what would be right.
  func wholeNumber<Number: FixedWidthInteger & Decodable>(_ type: Number.Type, forKey key: Key) throws
    -> Number
  {
    do {
      return try decode(type, forKey: key)
    } catch let error as DecodingError {
      // swift-corelibs-foundation and Darwin say `dataCorrupted`, swift-foundation throws an error of its own.
      guard case .dataCorrupted = error else { throw error }
      throw complaint(error, type, key)
    } catch {
      throw complaint(error, type, key)
    }
  }

  /// As `wholeNumber`; nil when there is none, or null.
  func wholeNumberIfPresent<Number: FixedWidthInteger & Decodable>(
    _ type: Number.Type, forKey key: Key
  ) throws -> Number? {
    guard contains(key), try !decodeNil(forKey: key) else { return nil }
    return try wholeNumber(type, forKey: key)
  }

  /// `cause` itself for what is no number at all, such as `01`.
  private func complaint<Number: FixedWidthInteger>(
    _ cause: any Error, _ type: Number.Type, _ key: Key
  ) -> any Error {
    let range = "must be a whole number from \(Number.min) to \(Number.max)"
    guard let value = try? decode(Double.self, forKey: key) else {
      // A number beyond Double's range, such as 1e400; the parsers' words for what is malformed are others.
      let isTooLarge = "\(cause)".contains("epresentable")
      return isTooLarge
        ? DecodingError.dataCorruptedError(forKey: key, in: self, debugDescription: range) : cause
    }
    let isWhole = value.rounded(.towardZero) == value
    return DecodingError.dataCorruptedError(
      forKey: key, in: self, debugDescription: isWhole ? range : "must be a whole number")
  }
}
