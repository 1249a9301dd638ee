import HTTPTypes
import Hummingbird
import OrderDomain
import OrderWire

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension RESTAPI {
  /// `POST /v1/orders/{id}/cancel`: 200 when the order is cancelled, 202 when the cancel is durable and the
  /// order-queue has still to be asked, 409 when it comes too late.
  func cancel(_ request: Request, _ context: RESTContext) async throws -> Response {
    let id = try Self.id(context)
    let body = try await body(of: request, upTo: CancelDocument.maximumSize)
    if !body.isEmpty { try Self.requireType(["application/json"], of: request) }
    switch try await canceller.cancel(id, reason: try CancelDocument.reason(body)) {
    case .cancelled(let order): return JSONBody.response(OrderView(order))
    case .underWay(let order):
      var response = JSONBody.response(OrderView(order), status: .accepted)
      response.headers[.location] = "/v1/orders/\(id)"
      return response
    }
  }
}

/// The body of a cancel: `{"reason": "…"}`, or nothing.
enum CancelDocument {
  static let maximumSize = 16 << 10
  /// Characters.
  static let reasonLength = 200
  static let noReason = "no reason was given"

  private struct Body: Decodable { let reason: String? }

  /// Throws `malformed_body` and `invalid_argument`.
  static func reason(_ body: Data) throws -> String {
    guard !body.isEmpty else { return noReason }
    let reason: String?
    do {
      reason = try JSONDecoder().decode(Body.self, from: body).reason
    } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
      throw ServiceError(
        .malformedBody, #"the body is not JSON; it must be as in {"reason": "ordered twice"}"#)
    } catch is DecodingError {
      throw invalid(#"must be text, as in {"reason": "ordered twice"}"#)
    }
    guard let reason else { return noReason }
    guard (1...reasonLength).contains(reason.unicodeScalars.count) else {
      throw invalid("must have 1 to \(reasonLength) characters")
    }
    return withoutCardNumbers(printable(reason))
  }

  /// It is shown in journals and on terminals, so control characters become spaces.
  private static func printable(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
      shown.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
    }
    return shown
  }

  private static func invalid(_ problem: String) -> ServiceError {
    ServiceError(
      .invalidArgument, "/reason \(problem)", details: ["field": "/reason", "problem": problem])
  }

  /// The reason is stored, so of a card number only the last four digits stay: of any 12 to 19 digits that begin as
  /// cards do and whose check digit fits (ISO/IEC 7812-1), with whatever else than letters between them.
  private static func withoutCardNumbers(_ text: String) -> String {
    var kept = ""
    // What may be a card number so far: as it stands up to its last digit, what follows that, and the digits.
    var (run, gap) = ("", "")
    var digits: [Int] = []
    func endRun() {
      kept += (holdsCardNumber(digits) ? "…" + digits.suffix(4).map(String.init).joined() : run) + gap
      (run, gap, digits) = ("", "", [])
    }
    for scalar in text.unicodeScalars {
      if scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue {
        digits.append(Int(value))
        run += gap
        gap = ""
        run.unicodeScalars.append(scalar)
      } else if !digits.isEmpty, !scalar.properties.isAlphabetic {
        gap.unicodeScalars.append(scalar)
      } else {
        endRun()
        kept.unicodeScalars.append(scalar)
      }
    }
    endRun()
    return kept
  }

  private static func holdsCardNumber(_ digits: [Int]) -> Bool {
    guard digits.count >= 12 else { return false }
    return digits.indices.contains { start in
      (2...6).contains(digits[start])
        && (12...19).contains { length in
          start + length <= digits.count && isLuhnValid(digits[start..<start + length])
        }
    }
  }

  private static func isLuhnValid(_ digits: ArraySlice<Int>) -> Bool {
    var sum = 0
    for (place, digit) in digits.reversed().enumerated() {
      sum += place % 2 == 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9
    }
    return sum % 10 == 0
  }
}
