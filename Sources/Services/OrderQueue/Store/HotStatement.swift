import GRDB
import GRDBSQLite
import OrderDomain

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A statement of the hot path, bound and read with SQLite's own calls (sqlite.org/c3ref): GRDB's
/// values and rows showed in the profile beside it.
///
/// Prepared once for each connection. Not for two uses at a time.
struct HotStatement {
  private let statement: Statement
  private let handle: OpaquePointer
  private var place: Int32 = 0

  init(_ db: Database, _ sql: String) throws {
    statement = try db.cachedStatement(sql: sql)
    handle = statement.sqliteStatement
  }

  /// SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
  private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  // MARK: Values, in the order of the question marks. SQLite remembers a bad one until `step`.

  mutating func bind(_ value: Int64) {
    place += 1
    sqlite3_bind_int64(handle, place, value)
  }

  mutating func bind(_ value: Int) { bind(Int64(value)) }
  mutating func bind(_ value: UInt64) { bind(Int64(bitPattern: value)) }

  mutating func bind(_ value: Int64?) {
    if let value { return bind(value) }
    place += 1
    sqlite3_bind_null(handle, place)
  }

  mutating func bind(_ text: String) {
    place += 1
    var text = text
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters in
        _ = sqlite3_bind_text(handle, place, characters.baseAddress, Int32(characters.count), Self.copied)
      }
    }
  }

  mutating func bind(_ text: String?) {
    if let text { return bind(text) }
    bind(Int64?.none)
  }

  mutating func bind(_ data: Data) {
    place += 1
    if data.isEmpty {
      sqlite3_bind_zeroblob(handle, place, 0)
      return
    }
    data.withUnsafeBytes { bytes in
      _ = sqlite3_bind_blob(handle, place, bytes.baseAddress, Int32(bytes.count), Self.copied)
    }
  }

  mutating func bind(_ data: Data?) {
    if let data { return bind(data) }
    bind(Int64?.none)
  }

  // MARK: Running

  /// For a statement that answers no row.
  func run() throws { _ = try first { _ in () } }

  /// The first row, or nil when there is none.
  func first<Value>(_ read: (HotRow) throws -> Value) throws -> Value? {
    defer { sqlite3_reset(handle) }
    switch sqlite3_step(handle) {
    case SQLITE_DONE: return nil
    case SQLITE_ROW: return try read(HotRow(handle: handle))
    case let code:
      throw DatabaseError(
        resultCode: ResultCode(rawValue: code),
        message: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))),
        sql: statement.sql)
    }
  }
}

/// The row that a statement stands on; columns count from 0.
struct HotRow {
  fileprivate let handle: OpaquePointer

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  /// What `read` makes of a text or blob; its bytes are gone afterwards.
  func bytes<Value>(_ column: Int32, _ read: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    // The order in which SQLite wants them asked for.
    let start = sqlite3_column_blob(handle, column)
    return try read(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }
}
