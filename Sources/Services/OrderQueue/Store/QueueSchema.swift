import OrderStore

/// The embedded engine's file. Bodies stand apart, so that a change of state does not rewrite them.
enum QueueSchema {
  static let steps = [
    SchemaStep(
      "1-queue",
      """
      CREATE TABLE jobs (
        sequence INTEGER PRIMARY KEY,
        order_id TEXT NOT NULL UNIQUE,
        lane TEXT NOT NULL,
        priority INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        enqueued_ms INTEGER NOT NULL,
        ready_ms INTEGER NOT NULL,
        expires_ms INTEGER,
        executor INTEGER,
        epoch INTEGER NOT NULL DEFAULT 0,
        lease_ms INTEGER NOT NULL DEFAULT 0,
        ack_epoch INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        clock TEXT NOT NULL
      ) STRICT;
      CREATE INDEX jobs_by_state ON jobs (state, order_id);
      CREATE TABLE bodies (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
      CREATE TABLE leadership (
        lane TEXT PRIMARY KEY,
        epoch INTEGER NOT NULL,
        executor INTEGER NOT NULL,
        incarnation INTEGER NOT NULL,
        term INTEGER NOT NULL,
        vacancy TEXT
      ) STRICT;
      CREATE TABLE outcomes (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        order_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        clock TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        executor INTEGER,
        epoch INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        reason TEXT
      ) STRICT;
      CREATE TABLE gate (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        pause TEXT NOT NULL,
        until_ms INTEGER,
        draining INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), filler BLOB NOT NULL) STRICT;
      """),
    // What retention has taken away, so that totals and sequences go on after a restart.
    SchemaStep(
      "2-retention",
      """
      CREATE TABLE pruned (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        done INTEGER NOT NULL,
        cancelled INTEGER NOT NULL,
        expired INTEGER NOT NULL,
        last_sequence INTEGER NOT NULL
      ) STRICT;
      INSERT INTO pruned (id, done, cancelled, expired, last_sequence) VALUES (1, 0, 0, 0, 0);
      """),
    // What was bought outlives the body, which says who bought it (ADR 0017).
    SchemaStep(
      "3-baskets",
      """
      ALTER TABLE bodies ADD COLUMN basket BLOB;
      ALTER TABLE outcomes ADD COLUMN basket BLOB;
      """),
  ]
}
