import OrderStore

/// The tables of `orders.db`. A step is never changed once released; add another.
enum OrderSchema {
  static let steps = [
    SchemaStep(
      "1 orders",
      """
      CREATE TABLE orders (
        id TEXT PRIMARY KEY NOT NULL,
        state TEXT NOT NULL,
        record TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX orders_by_state ON orders (state, id);
      -- One row for each commit about an order, holding that commit's entries as a JSON array.
      CREATE TABLE timeline (
        order_id TEXT NOT NULL,
        batch INTEGER NOT NULL,
        entries TEXT NOT NULL,
        PRIMARY KEY (order_id, batch)
      ) WITHOUT ROWID;
      -- body_mac: HMAC-SHA-256 of the request body under the key of this installation.
      CREATE TABLE idempotency (
        key TEXT PRIMARY KEY NOT NULL,
        body_mac TEXT NOT NULL,
        order_id TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) WITHOUT ROWID;
      CREATE TABLE cursors (
        name TEXT PRIMARY KEY NOT NULL,
        value INTEGER NOT NULL
      ) WITHOUT ROWID;
      """),
    SchemaStep("2 idempotency by age", "CREATE INDEX idempotency_by_age ON idempotency (created_at)"),
  ]
}
