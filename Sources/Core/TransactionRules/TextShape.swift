/// What a text field looks like. Lengths are in Unicode scalars: a single `Character` may be of any length.
enum TextShape: Equatable {
  /// Nothing in it but white space.
  case blank
  case tooLong
  /// Holds a control character, a line break or a bidirectional override: those forge log lines and labels.
  case unprintable
  case good

  /// `limit` is the most scalars that the field may have.
  init(_ text: String, limit: Int) {
    if text.unicodeScalars.dropFirst(limit).first != nil {
      self = .tooLong
    } else if text.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
      self = .blank
    } else if text.unicodeScalars.contains(where: isUnprintable) {
      self = .unprintable
    } else {
      self = .good
    }
  }
}

/// What would be right for a field that is `tooLong` or `unprintable`.
func plainTextSentence(_ field: String) -> String {
  "The \(field) is at most \(TransactionRules.maxTextLength) characters long, without control characters."
}

private func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.properties.generalCategory {
  case .control, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
  default: (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
  }
}

func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func isCapital(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

func isLetter(_ byte: UInt8) -> Bool { isCapital(byte & 0xDF) }

/// What a customer typed, for a message: ` 'book-dun'`, or nothing if it is not a short word of ASCII
/// letters, digits, `-`, `.` and `_`, or might be a CVV (nothing but digits) or a card number (12 digits or
/// more).
func shown(_ text: String) -> String {
  let bytes = text.utf8.prefix(65)
  let isWord = bytes.allSatisfy { byte in
    isDigit(byte) || isLetter(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "_")
  }
  guard isWord, (1...64).contains(bytes.count), bytes.contains(where: isLetter),
    bytes.count(where: isDigit) < 12
  else { return "" }
  return " '\(text)'"
}
