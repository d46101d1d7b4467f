-- The journal's first schema. This file is released: it is never edited; a
-- change of the schema is a new file beside it.

CREATE TABLE sessions (
    id          TEXT    PRIMARY KEY,            -- UUID v7, lower case
    started_at  INTEGER NOT NULL,               -- milliseconds since 1970, UTC
    ended_at    INTEGER,
    status      TEXT    NOT NULL,               -- unfinished | finished | abandoned
    title       TEXT    NOT NULL,
    plan        TEXT    NOT NULL,
    mode        TEXT    NOT NULL,
    seed        INTEGER NOT NULL,               -- the bits of a u64
    model_name  TEXT    NOT NULL,
    model_hash  TEXT    NOT NULL,
    judge       TEXT    NOT NULL,
    prompts     TEXT    NOT NULL,
    guides      TEXT    NOT NULL,
    extra       TEXT    NOT NULL                -- a JSON value
) STRICT;
CREATE INDEX sessions_by_start ON sessions (started_at);
CREATE INDEX sessions_by_status ON sessions (status, started_at);

CREATE TABLE events (
    id          INTEGER PRIMARY KEY,            -- lets damaged tables be walked
    session     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    seq         INTEGER NOT NULL,               -- 0, 1, 2 … within the session
    at_ms       INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    json        TEXT    NOT NULL,
    sum         INTEGER NOT NULL,               -- first 8 bytes of SHA-256, see journal.rs
    UNIQUE (session, seq)
) STRICT;

CREATE TABLE drafts (
    id          INTEGER PRIMARY KEY,
    session     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    n           INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    text        TEXT    NOT NULL,
    UNIQUE (session, n)
) STRICT;

CREATE TABLE verdicts (
    id          INTEGER PRIMARY KEY,
    session     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    question    TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    source      TEXT    NOT NULL,               -- interview | contest | regrade
    point       TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    probability REAL    NOT NULL,
    recovery    TEXT    NOT NULL,               -- unaided | probe | hint | never
    at_ms       INTEGER NOT NULL,
    model_hash  TEXT    NOT NULL,
    judge       TEXT    NOT NULL,
    prompts     TEXT    NOT NULL,
    guides      TEXT    NOT NULL,
    UNIQUE (session, question, attempt, source, judge, guides, point)
) STRICT;
CREATE INDEX verdicts_by_question ON verdicts (question, point, at_ms);

CREATE TABLE documents (
    id          INTEGER PRIMARY KEY,
    session     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,               -- "critique", …
    at_ms       INTEGER NOT NULL,
    json        TEXT    NOT NULL,
    UNIQUE (session, name)
) STRICT;
