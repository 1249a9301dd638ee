package import OrderDomain

/// What an order is recognised by, as texts of which small differences are gone: spaces in a card number, capital
/// letters and a `+tag` in a mail address, punctuation in an address. Holds the card number: hash it at once
/// (`OrderTraces`).
package struct TraceTexts: Sendable {
  package let card: String
  package let email: String
  package let address: String
  package let client: String?

  /// `client`: the network address that the order came from, as text.
  package init(_ order: OrderRequest, client: String? = nil) {
    card = String(decoding: order.payment.card.number.utf8.prefix(64).filter(isASCIIDigit), as: UTF8.self)
    let mail = MailAddress(order.customer.email)
    email = mail.domain.isEmpty ? mail.whole : "\(mail.local)@\(mail.domain)"
    let target = order.shippingAddress ?? order.billingAddress
    address = [target.street, target.postalCode.isEmpty ? target.city : target.postalCode, target.country]
      .map(TraceTexts.folded).joined(separator: "|")
    self.client = client.flatMap { ClientAddress($0)?.network }
  }

  private static func folded(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(200).filter { $0.properties.isAlphabetic || ("0"..."9") ~= $0 }
    return String(String.UnicodeScalarView(scalars)).lowercased()
  }
}
