-- Topics that entries come from, with their prefix.
CREATE TABLE topics (
    id   INTEGER PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE
);

-- The log: one leaf for each record, in the order of the tree. `at` is the time in the leaf, in milliseconds.
CREATE TABLE entries (
    seq              BIGINT  PRIMARY KEY CHECK (seq >= 0),
    topic            INTEGER NOT NULL,
    source_partition INTEGER NOT NULL,
    source_offset    BIGINT  NOT NULL,
    at               BIGINT  NOT NULL,
    leaf_hash        BYTEA   NOT NULL CHECK (length(leaf_hash) = 32),
    leaf             BYTEA   NOT NULL,
    UNIQUE (topic, source_partition, source_offset)
);

-- What the leaves commit to, sealed. `subject` says which data key opens it, `check_handle` to which check it belongs;
-- both are random, and what they stand for is in the key database alone.
CREATE TABLE bodies (
    seq          BIGINT PRIMARY KEY,
    subject      UUID   NOT NULL,
    check_handle UUID,
    sealed       BYTEA  NOT NULL
);
-- Ciphertext does not get smaller.
ALTER TABLE bodies ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX bodies_check ON bodies (check_handle, seq) WHERE check_handle IS NOT NULL;

-- How far the log is: its size, the RFC 6962 root over it, and the roots of the full subtrees, the largest first.
-- `at`: the time of the newest leaf. `receipts`: the number of the newest receipt.
CREATE TABLE head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    size     BIGINT  NOT NULL,
    root     BYTEA   NOT NULL CHECK (length(root) = 32),
    subtrees BYTEA   NOT NULL CHECK (length(subtrees) % 32 = 0),
    at       BIGINT  NOT NULL,
    receipts BIGINT  NOT NULL
);
INSERT INTO head VALUES (1, 0, sha256(''), '', 0, 0);

-- Where reading goes on. Moves in the transaction of the entries.
CREATE TABLE source_offsets (
    topic            INTEGER NOT NULL,
    source_partition INTEGER NOT NULL,
    next             BIGINT  NOT NULL,
    PRIMARY KEY (topic, source_partition)
);

-- The last number given to an entry of an account: they run from 1 without holes, which shows whoever has some of them
-- whether these are all.
CREATE TABLE account_counters (
    account UUID   PRIMARY KEY,
    n       BIGINT NOT NULL
);

-- The hashes of the tree in tiles of at most 256 (C2SP tlog-tiles). The last tile of a level grows, the others are full.
CREATE TABLE tiles (
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    idx   BIGINT  NOT NULL CHECK (idx >= 0),
    data  BYTEA   NOT NULL CHECK (length(data) BETWEEN 32 AND 8192 AND length(data) % 32 = 0),
    PRIMARY KEY (level, idx)
);
-- Hashes do not get smaller.
ALTER TABLE tiles ALTER COLUMN data SET STORAGE EXTERNAL;

-- What was signed: a note over size and root. `at`: when, in milliseconds.
CREATE TABLE checkpoints (
    size BIGINT PRIMARY KEY CHECK (size >= 0),
    root BYTEA  NOT NULL CHECK (length(root) = 32),
    note TEXT   NOT NULL,
    at   BIGINT NOT NULL
);

-- Signature lines of witnesses under checkpoints. `at`: the time in the line, in seconds.
CREATE TABLE cosignatures (
    size    BIGINT           NOT NULL REFERENCES checkpoints,
    witness TEXT COLLATE "C" NOT NULL,
    at      BIGINT           NOT NULL,
    line    TEXT             NOT NULL,
    PRIMARY KEY (size, witness, at)
);

-- Receipts that wait to be published; no part of the history. The numbers have no holes.
CREATE TABLE receipts (
    number           BIGINT  PRIMARY KEY,
    topic            INTEGER NOT NULL,
    source_partition INTEGER NOT NULL,
    first_offset     BIGINT  NOT NULL,
    last_offset      BIGINT  NOT NULL,
    first_leaf       BIGINT  NOT NULL,
    last_leaf        BIGINT  NOT NULL,
    records          BIGINT  NOT NULL,
    tree_size        BIGINT  NOT NULL,
    root             BYTEA   NOT NULL,
    appended_at      BIGINT  NOT NULL
);

-- The last receipt known to be published.
CREATE TABLE relay (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    published BIGINT  NOT NULL
);
INSERT INTO relay VALUES (1, 0);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history is append-only: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION refuse_fall() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history is append-only: % does not go back', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;

-- The head never falls, never gets another root at the same size, and is never ahead of or behind the entries and
-- their tiles.
CREATE FUNCTION guard_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR NEW.at < OLD.at OR NEW.receipts < OLD.receipts
        OR (NEW.size = OLD.size AND (NEW.root <> OLD.root OR NEW.subtrees <> OLD.subtrees))
        OR NEW.size <> (SELECT coalesce(max(seq) + 1, 0) FROM entries)
        OR NEW.size <> (SELECT coalesce(max(seq) + 1, 0) FROM bodies)
        OR NEW.size <> coalesce((SELECT idx * 256 + length(data) / 32 FROM tiles WHERE level = 0
            ORDER BY idx DESC LIMIT 1), 0)
    THEN
        RAISE EXCEPTION 'the history is append-only: this head does not follow the one before'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- A tile only grows: what it had stays at its beginning, and the next one begins when it is full.
CREATE FUNCTION guard_tile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.level <> OLD.level OR NEW.idx <> OLD.idx
            OR substr(NEW.data, 1, length(OLD.data)) <> OLD.data
        THEN
            RAISE EXCEPTION 'the history is append-only: a tile keeps what it had'
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    ELSIF NEW.idx > 0 AND NOT EXISTS (
        SELECT FROM tiles WHERE level = NEW.level AND idx = NEW.idx - 1 AND length(data) = 8192)
    THEN
        RAISE EXCEPTION 'the history is append-only: a tile follows a full one'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- A checkpoint follows the one before, and never runs ahead of the entries.
CREATE FUNCTION guard_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size <= (SELECT coalesce(max(size), -1) FROM checkpoints)
        OR EXISTS (SELECT FROM head WHERE NEW.size > size OR (NEW.size = size AND NEW.root <> root))
    THEN
        RAISE EXCEPTION 'the history is append-only: this checkpoint does not follow the one before, or the entries'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- ALWAYS: `session_replication_role = replica` does not switch them off.
DO $$
DECLARE
    guarded TEXT;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['topics', 'entries', 'bodies', 'checkpoints', 'cosignatures'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', guarded);
    END LOOP;
    FOREACH guarded IN ARRAY ARRAY['head', 'source_offsets', 'account_counters', 'tiles'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER append_only', guarded);
    END LOOP;
    FOREACH guarded IN ARRAY ARRAY['topics', 'entries', 'bodies', 'checkpoints', 'cosignatures', 'head',
        'source_offsets', 'account_counters', 'tiles']
    LOOP
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', guarded);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER no_truncate', guarded);
    END LOOP;
END $$;

CREATE TRIGGER guard BEFORE UPDATE ON head FOR EACH ROW EXECUTE FUNCTION guard_head();
ALTER TABLE head ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER guard BEFORE UPDATE ON source_offsets FOR EACH ROW
    WHEN (NEW.next < OLD.next OR NEW.topic <> OLD.topic OR NEW.source_partition <> OLD.source_partition)
    EXECUTE FUNCTION refuse_fall();
ALTER TABLE source_offsets ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER guard BEFORE UPDATE ON account_counters FOR EACH ROW
    WHEN (NEW.n < OLD.n OR NEW.account <> OLD.account)
    EXECUTE FUNCTION refuse_fall();
ALTER TABLE account_counters ENABLE ALWAYS TRIGGER guard;

CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON tiles FOR EACH ROW EXECUTE FUNCTION guard_tile();
ALTER TABLE tiles ENABLE ALWAYS TRIGGER guard;
CREATE TRIGGER guard BEFORE INSERT ON checkpoints FOR EACH ROW EXECUTE FUNCTION guard_checkpoint();
ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER guard;

-- The service should connect as a member of audit_writer, who may append and nothing else, and who looks on as a member
-- of audit_reader; the owner of the tables should connect to migrate only. Roles belong to the whole cluster.
DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['audit_writer', 'audit_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION
                WHEN insufficient_privilege THEN
                    RAISE NOTICE 'the role % is missing and may not be created here: nothing is granted to it', wanted;
                WHEN duplicate_object OR unique_violation THEN
                    NULL; -- somebody else was faster
            END;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_writer') THEN
        GRANT SELECT, INSERT ON topics, entries, bodies, checkpoints, cosignatures TO audit_writer;
        GRANT SELECT, INSERT, UPDATE (data) ON tiles TO audit_writer;
        GRANT SELECT, UPDATE (size, root, subtrees, at, receipts) ON head TO audit_writer;
        GRANT SELECT, INSERT, UPDATE (next) ON source_offsets TO audit_writer;
        GRANT SELECT, INSERT, UPDATE (n) ON account_counters TO audit_writer;
        GRANT SELECT, INSERT, DELETE ON receipts TO audit_writer;
        GRANT SELECT, UPDATE (published) ON relay TO audit_writer;
        GRANT SELECT ON _sqlx_migrations TO audit_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'audit_reader') THEN
        GRANT SELECT ON topics, entries, bodies, head, source_offsets, account_counters, receipts, relay, tiles,
            checkpoints, cosignatures, _sqlx_migrations TO audit_reader;
    END IF;
END $$;
