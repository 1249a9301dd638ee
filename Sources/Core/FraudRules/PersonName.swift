/// A person's name, reduced to words of the letters a–z, so that `Jüri Põld`, `JUERI POLD` and `POLD/JURI`
/// compare.
struct PersonName {
  /// Empty for a name in another script than Latin: it cannot be compared with what is embossed on a card.
  let words: [String]

  init(_ text: String) {
    var words: [String] = []
    var word = ""
    func endWord() {
      if !word.isEmpty, words.count < 16 { words.append(word) }
      word = ""
    }
    for scalar in text.unicodeScalars.prefix(400) {
      if let letters = PersonName.latin(scalar) {
        word += letters
      } else if !scalar.properties.isAlphabetic, !ignored.contains(scalar.properties.generalCategory),
        scalar != "'"
      {
        endWord()
      }
    }
    endWord()
    self.words = words.map(PersonName.withoutUmlautSpelling)
  }

  /// False only if both names can be compared and have no word of two letters or more in common.
  func mayBeSamePerson(as other: PersonName) -> Bool {
    let mine = Set(words.filter { $0.utf8.count >= 2 })
    let others = Set(other.words.filter { $0.utf8.count >= 2 })
    return mine.isEmpty || others.isEmpty || !mine.isDisjoint(with: others)
  }

  /// The letters a–z that stand for `scalar`; nil if it is no Latin letter that is known here.
  private static func latin(_ scalar: Unicode.Scalar) -> String? {
    if let byte = UInt8(exactly: scalar.value), scalar.isASCII {
      return isASCIILetter(byte) ? String(Unicode.Scalar(byte | 0x20)) : nil
    }
    let small = scalar.properties.lowercaseMapping
    for (letters, variants) in folding where variants.contains(small) { return letters }
    return nil
  }

  /// `mueller` and `müller` (by now `muller`) become the same: an `e` after a, o or u is dropped, on both
  /// sides alike.
  private static func withoutUmlautSpelling(_ word: String) -> String {
    var result = ""
    var previous: Character?
    for letter in word {
      if letter == "e", let previous, "aou".contains(previous) {
        // The e belonged to the vowel before it.
      } else {
        result.append(letter)
      }
      previous = letter
    }
    return result
  }
}

/// Accents that stand as scalars of their own behind their letter.
private let ignored: Set<Unicode.GeneralCategory> = [
  .nonspacingMark, .spacingMark, .enclosingMark, .modifierSymbol,
]

/// Letters of the Latin-1 Supplement and of Latin Extended-A by the plain letters that people write for them.
private let folding: [(String, Set<String>)] = [
  ("a", ["à", "á", "â", "ã", "ä", "å", "ā", "ă", "ą", "æ"]), ("c", ["ç", "ć", "ĉ", "ċ", "č"]),
  ("d", ["ď", "đ", "ð"]),
  ("e", ["è", "é", "ê", "ë", "ē", "ĕ", "ė", "ę", "ě"]), ("g", ["ĝ", "ğ", "ġ", "ģ"]), ("h", ["ĥ", "ħ"]),
  ("i", ["ì", "í", "î", "ï", "ĩ", "ī", "ĭ", "į", "ı"]), ("j", ["ĵ"]), ("k", ["ķ"]),
  ("l", ["ĺ", "ļ", "ľ", "ŀ", "ł"]),
  ("n", ["ñ", "ń", "ņ", "ň"]), ("o", ["ò", "ó", "ô", "õ", "ö", "ø", "ō", "ŏ", "ő", "œ"]),
  ("r", ["ŕ", "ŗ", "ř"]),
  ("s", ["ś", "ŝ", "ş", "š", "ș"]), ("ss", ["ß"]), ("t", ["ţ", "ť", "ŧ", "ț"]), ("th", ["þ"]),
  ("u", ["ù", "ú", "û", "ü", "ũ", "ū", "ŭ", "ů", "ű", "ų"]), ("w", ["ŵ"]), ("y", ["ý", "ÿ", "ŷ"]),
  ("z", ["ź", "ż", "ž"]),
]
