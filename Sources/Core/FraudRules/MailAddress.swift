/// A mail address, taken apart for the rules. Anything can be one; what has no `@` has an empty domain.
struct MailAddress {
  /// In small letters.
  let whole: String
  /// Before the last `@`, without a `+tag`.
  let local: String
  /// After the last `@`.
  let domain: String

  init(_ text: String) {
    // 320 bytes is more than any real one has (RFC 5321 §4.5.3.1); the rest cannot matter.
    whole = String(decoding: text.utf8.prefix(320), as: UTF8.self).lowercased()
    let at = whole.lastIndex(of: "@") ?? whole.endIndex
    local = String(whole[..<at].prefix { $0 != "+" })
    domain = at == whole.endIndex ? "" : String(whole[whole.index(after: at)...])
  }

  /// Whether the domain, or one that it is a subdomain of, is among `domains`.
  func isWithin(_ domains: Set<String>) -> Bool {
    var rest = domain[...]
    while true {
      if domains.contains(String(rest)) { return true }
      guard let dot = rest.firstIndex(of: ".") else { return false }
      rest = rest[rest.index(after: dot)...]
    }
  }

  /// Long, and mostly digits, without any vowel, or with digits between letters all over. Mild: some people's
  /// addresses are like that.
  var looksRandom: Bool {
    let signs = local.utf8.filter { isASCIILetter($0) || isASCIIDigit($0) }
    guard signs.count >= 10, signs.count == local.utf8.count(where: { $0 != UInt8(ascii: ".") }) else {
      return false
    }
    let digits = signs.count(where: isASCIIDigit)
    if digits * 3 >= signs.count * 2 { return true }
    let vowels = Set("aeiouy".utf8)
    if !signs.contains(where: vowels.contains) { return true }
    let groups = signs.split { !isASCIIDigit($0) }.count
    return groups >= 3
  }

  /// Whether no part of `name` (3 letters or longer) stands in the local part. False when there is nothing to
  /// compare.
  func mentionsNothingOf(_ name: PersonName) -> Bool {
    let letters = PersonName(local).words.joined()
    let parts = name.words.filter { $0.utf8.count >= 3 }
    guard !letters.isEmpty, !parts.isEmpty else { return false }
    return !parts.contains { letters.contains($0) }
  }
}

func isASCIILetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

func isASCIIDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
