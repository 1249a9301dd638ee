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
    SchemaStep("3 changes and lists", changesAndLists),
    SchemaStep(
      "4 flagged orders",
      """
      -- 1 = flagged for review; else NULL.
      ALTER TABLE orders ADD COLUMN flagged INTEGER;
      CREATE INDEX orders_by_flag ON orders (flagged, id) WHERE flagged IS NOT NULL;
      """),
    SchemaStep("5 rows within a page", rowsWithinPages),
  ]

  /// A table WITHOUT ROWID keeps at most 1,002 bytes of a row in its place, on pages of 4 KiB; the rest goes to a page
  /// that it has for itself (sqlite.org/fileformat2.html §1.6). An order's record and the lines of its checks are
  /// slightly larger, so that each took pages of their own, which every change wrote anew. A table with rowids keeps
  /// rows of up to 4,061 bytes whole.
  private static let rowsWithinPages = """
    CREATE TABLE whole_orders (
      id TEXT PRIMARY KEY NOT NULL,
      state TEXT NOT NULL,
      record TEXT NOT NULL,
      change INTEGER NOT NULL,
      email TEXT NOT NULL,
      priority INTEGER NOT NULL,
      code TEXT,
      flagged INTEGER
    );
    INSERT INTO whole_orders (id, state, record, change, email, priority, code, flagged)
      SELECT id, state, record, change, email, priority, code, flagged FROM orders ORDER BY id;
    DROP TABLE orders;
    ALTER TABLE whole_orders RENAME TO orders;
    CREATE INDEX orders_by_state ON orders (state, id);
    CREATE UNIQUE INDEX orders_by_change ON orders (change);
    CREATE INDEX orders_by_email ON orders (email, id);
    CREATE INDEX orders_by_priority ON orders (priority, id);
    CREATE INDEX orders_by_code ON orders (code, id) WHERE code IS NOT NULL;
    CREATE INDEX orders_by_flag ON orders (flagged, id) WHERE flagged IS NOT NULL;
    CREATE TRIGGER count_new_orders AFTER INSERT ON orders BEGIN
      UPDATE order_counts SET orders = orders + 1 WHERE state = new.state;
    END;
    CREATE TRIGGER count_changed_orders AFTER UPDATE OF state ON orders WHEN old.state <> new.state BEGIN
      UPDATE order_counts SET orders = orders - 1 WHERE state = old.state;
      UPDATE order_counts SET orders = orders + 1 WHERE state = new.state;
    END;
    CREATE TRIGGER count_gone_orders AFTER DELETE ON orders BEGIN
      UPDATE order_counts SET orders = orders - 1 WHERE state = old.state;
    END;
    CREATE TABLE whole_timeline (
      order_id TEXT NOT NULL,
      batch INTEGER NOT NULL,
      entries TEXT NOT NULL,
      PRIMARY KEY (order_id, batch)
    );
    INSERT INTO whole_timeline (order_id, batch, entries)
      SELECT order_id, batch, entries FROM timeline ORDER BY order_id, batch;
    DROP TABLE timeline;
    ALTER TABLE whole_timeline RENAME TO timeline;
    """

  /// `change`: the number of an order's last change; grows with every commit, whatever the order (ADR 0014).
  /// What a list filters by has a column and an index of its own; the counts are kept, not counted.
  private static let changesAndLists = """
    ALTER TABLE orders ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE orders ADD COLUMN email TEXT NOT NULL DEFAULT '';
    ALTER TABLE orders ADD COLUMN priority INTEGER NOT NULL DEFAULT 5;
    -- The code of the rejection.
    ALTER TABLE orders ADD COLUMN code TEXT;
    UPDATE orders SET
      change = numbered.number,
      email = lower(json_extract(record, '$.customer.email')),
      priority = json_extract(record, '$.priority'),
      code = json_extract(record, '$.rejection.code')
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM orders) AS numbered
    WHERE orders.id = numbered.id;
    CREATE UNIQUE INDEX orders_by_change ON orders (change);
    CREATE INDEX orders_by_email ON orders (email, id);
    CREATE INDEX orders_by_priority ON orders (priority, id);
    CREATE INDEX orders_by_code ON orders (code, id) WHERE code IS NOT NULL;
    CREATE TABLE order_counts (
      state TEXT PRIMARY KEY NOT NULL,
      orders INTEGER NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO order_counts (state, orders) VALUES
      ('received', 0), ('verifying', 0), ('interrupted', 0), ('approved', 0), ('queued', 0), ('executing', 0),
      ('executed', 0), ('rejected', 0), ('cancelled', 0), ('expired', 0), ('failed', 0);
    UPDATE order_counts SET orders = (SELECT COUNT(*) FROM orders WHERE orders.state = order_counts.state);
    CREATE TRIGGER count_new_orders AFTER INSERT ON orders BEGIN
      UPDATE order_counts SET orders = orders + 1 WHERE state = new.state;
    END;
    CREATE TRIGGER count_changed_orders AFTER UPDATE OF state ON orders WHEN old.state <> new.state BEGIN
      UPDATE order_counts SET orders = orders - 1 WHERE state = old.state;
      UPDATE order_counts SET orders = orders + 1 WHERE state = new.state;
    END;
    CREATE TRIGGER count_gone_orders AFTER DELETE ON orders BEGIN
      UPDATE order_counts SET orders = orders - 1 WHERE state = old.state;
    END;
    """
}
