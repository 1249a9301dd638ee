import OrderDomain
import Testing

@Test(
  arguments: [
    ([], ""), ([0], "00"), ([0x0A, 0xFF, 0x00, 0x10], "0aff0010"), ([0x01, 0x23], "0123"),
  ] as [([UInt8], String)])
func everyByteIsTwoDigits(bytes: [UInt8], text: String) { #expect(bytes.hexadecimal == text) }
