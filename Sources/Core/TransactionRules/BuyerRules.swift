package import OrderDomain

extension TransactionRules {
  /// Most Unicode scalars of a name, a street or a city.
  package static let maxTextLength = 200
  /// Most bytes of a postal code of a country whose form is not known here.
  package static let maxPostalCodeBytes = 16

  /// Event b: who orders, where it is billed and sent, and whether the terms are accepted.
  package func verifyBuyer(_ order: OrderRequest) -> [Finding] {
    var findings: [Finding] = []
    switch TextShape(order.customer.name, limit: Self.maxTextLength) {
    case .good: break
    case .blank:
      findings.append(.init(.nameMissing, "/customer/name", "Give the customer's name."))
    case .tooLong, .unprintable:
      findings.append(
        .init(
          .nameMalformed, "/customer/name",
          plainTextSentence("name")
        ))
    }
    if !isEmailAddress(order.customer.email) {
      findings.append(
        .init(
          .emailInvalid, "/customer/email",
          "The email address has the form name@domain, as in ada@example.org."))
    }
    findings += addressFindings(order.billingAddress, at: "/billingAddress")
    if let address = order.shippingAddress { findings += addressFindings(address, at: "/shippingAddress") }
    if order.acceptTerms != true {
      findings.append(
        .init(
          .termsNotAccepted, "/acceptTerms",
          "Set acceptTerms to true once the customer has accepted the terms."))
    }
    return findings
  }

  private func addressFindings(_ address: Address, at pointer: String) -> [Finding] {
    var findings: [Finding] = []
    for (name, text) in [("street", address.street), ("city", address.city)] {
      switch TextShape(text, limit: Self.maxTextLength) {
      case .good: break
      case .blank: findings.append(.init(.addressFieldMissing, "\(pointer)/\(name)", "Give the \(name)."))
      case .tooLong, .unprintable:
        findings.append(
          .init(
            .addressFieldMalformed, "\(pointer)/\(name)",
            plainTextSentence(name)
          ))
      }
    }
    guard address.country.utf8.count == 2, address.country.utf8.allSatisfy(isCapital) else {
      findings.append(
        .init(
          .countryMalformed, "\(pointer)/country",
          "The country is an ISO 3166 code of two capital letters, such as EE."))
      return findings
    }
    guard CountryCode.assigned.contains(address.country) else {
      findings.append(
        .init(
          .countryUnknown, "\(pointer)/country",
          "No country has the code \(address.country); use the one of ISO 3166, such as EE."))
      return findings
    }
    if let finding = postalCodeFinding(address, at: "\(pointer)/postalCode") { findings.append(finding) }
    return findings
  }

  private func postalCodeFinding(_ address: Address, at pointer: String) -> Finding? {
    if let form = PostalCodeForm.byCountry[address.country] {
      if form.matches(address.postalCode) { return nil }
      return .init(
        .postalCodeMalformed, pointer, "A postal code of \(address.country) looks like \(form.example).")
    }
    // Some countries have none, so that an empty one is right there.
    let isShort = address.postalCode.utf8.count <= Self.maxPostalCodeBytes
    if isShort, [.good, .blank].contains(TextShape(address.postalCode, limit: Self.maxPostalCodeBytes)) {
      return nil
    }
    return .init(
      .postalCodeMalformed, pointer,
      "The postal code is at most \(Self.maxPostalCodeBytes) bytes long, without control characters.")
  }
}

/// `local@domain` by the lengths of RFC 5321 §4.5.3.1 and the dot-atom of RFC 5322 §3.2.3; letters beyond
/// ASCII are allowed on both sides (RFC 6531). Quoted local parts and address literals are not, since no
/// shop's customer has one.
private func isEmailAddress(_ text: String) -> Bool {
  guard (3...254).contains(text.utf8.prefix(255).count) else { return false }
  let parts = text.unicodeScalars.split(separator: "@", omittingEmptySubsequences: false)
  guard parts.count == 2, parts[0].reduce(0, { $0 + UTF8.width($1) }) <= 64 else { return false }
  let atoms = parts[0].split(separator: ".", omittingEmptySubsequences: false)
  let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
  guard labels.count >= 2, let top = labels.last, top.count >= 2,
    !top.allSatisfy({ $0.properties.numericType != nil })
  else { return false }
  let extra = "!#$%&'*+-/=?^_`{|}~".unicodeScalars
  return atoms.allSatisfy { atom in
    !atom.isEmpty && atom.allSatisfy { isWordScalar($0) || extra.contains($0) }
  }
    && labels.allSatisfy { label in
      (1...63).contains(label.count) && label.first != "-" && label.last != "-"
        && label.allSatisfy { isWordScalar($0) || $0 == "-" }
    }
}

/// A letter of any script, or a decimal digit of ASCII.
private func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
  if let byte = UInt8(exactly: scalar.value), scalar.isASCII { return isDigit(byte) || isLetter(byte) }
  return scalar.properties.isAlphabetic || scalar.properties.generalCategory == .nonspacingMark
}
