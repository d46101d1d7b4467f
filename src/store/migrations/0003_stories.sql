-- The person's own stories, and where each was told. This file is released: it
-- is never edited.

CREATE TABLE stories (
    id          TEXT    PRIMARY KEY,            -- UUID v7, lower case
    made_at     INTEGER NOT NULL,               -- milliseconds since 1970, UTC
    changed_at  INTEGER NOT NULL,
    title       TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    tags        TEXT    NOT NULL,               -- a JSON array of competencies
    origin      TEXT    NOT NULL                -- a JSON value: where it was taken from, or null
) STRICT;
CREATE INDEX stories_by_change ON stories (changed_at);

CREATE TABLE tellings (
    id          INTEGER PRIMARY KEY,
    story       TEXT    NOT NULL REFERENCES stories (id) ON DELETE CASCADE,
    session     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    question    TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    likeness    REAL    NOT NULL,               -- 0 to 1
    UNIQUE (session, question, attempt)
) STRICT;
CREATE INDEX tellings_by_story ON tellings (story, at_ms);
