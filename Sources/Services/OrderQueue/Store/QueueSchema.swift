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
    // Takes off the hot path what each step had to keep up: the index of all states (orders that are ready,
    // leased or done are found along their ids), and AUTOINCREMENT's own table (the writer knows the last
    // sequence). The index's condition is no IN: SQLite would make a table of its own for it at each change,
    // and would not take the index for a query of one state.
    SchemaStep(
      "4-hot-path",
      """
      DROP INDEX jobs_by_state;
      CREATE INDEX jobs_set_aside ON jobs (state, order_id)
        WHERE state = 'delayed' OR state = 'buried' OR state = 'cancelled' OR state = 'expired';
      ALTER TABLE pruned ADD COLUMN last_outcome INTEGER NOT NULL DEFAULT 0;
      UPDATE pruned SET last_outcome =
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outcomes'), 0);
      ALTER TABLE outcomes RENAME TO outcomes_before;
      CREATE TABLE outcomes (
        sequence INTEGER PRIMARY KEY,
        order_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        clock TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        executor INTEGER,
        epoch INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        reason TEXT,
        basket BLOB
      ) STRICT;
      INSERT INTO outcomes SELECT sequence, order_id, kind, clock, at_ms, executor, epoch, attempt, reason,
        basket FROM outcomes_before;
      DROP TABLE outcomes_before;
      """),
  ]
}
