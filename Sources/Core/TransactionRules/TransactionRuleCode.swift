/// The reasons for which an order can fail transaction verification. The raw values are part of the
/// interface: they stand in answers, timelines and journals, and never change their meaning.
package enum TransactionRuleCode: String, Sendable, Hashable, CaseIterable {
  // Event a, verify items.
  case itemsEmpty = "items_empty"
  case itemsTooMany = "items_too_many"
  case itemUnknown = "item_unknown"
  case itemQuantityOutOfRange = "item_quantity_out_of_range"
  case currencyMalformed = "currency_malformed"
  case currencyMismatch = "currency_mismatch"
  case totalMismatch = "total_mismatch"
  case totalOutOfRange = "total_out_of_range"
  case priorityOutOfRange = "priority_out_of_range"
  case shippingMethodUnknown = "shipping_method_unknown"

  // Event b, verify buyer.
  case nameMissing = "name_missing"
  case nameMalformed = "name_malformed"
  case emailInvalid = "email_invalid"
  case addressFieldMissing = "address_field_missing"
  case addressFieldMalformed = "address_field_malformed"
  case countryMalformed = "country_malformed"
  case countryUnknown = "country_unknown"
  case postalCodeMalformed = "postal_code_malformed"
  case termsNotAccepted = "terms_not_accepted"

  // Event c, verify payment card.
  case cardHolderMissing = "card_holder_missing"
  case cardHolderMalformed = "card_holder_malformed"
  case cardNumberMalformed = "card_number_malformed"
  case cardNumberLengthWrong = "card_number_length_wrong"
  case cardNumberInvalid = "card_number_invalid"
  case cardBrandUnknown = "card_brand_unknown"
  case cardExpiryMalformed = "card_expiry_malformed"
  case cardExpiryTooFar = "card_expiry_too_far"
  case cardExpired = "card_expired"
  case cardCVVMalformed = "card_cvv_malformed"
}
