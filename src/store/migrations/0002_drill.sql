-- Drilling: what was recalled of a rubric point and when, and the state of its
-- memory after the last time. This file is released: it is never edited.

CREATE TABLE reviews (
    id          INTEGER PRIMARY KEY,
    session     TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    question    TEXT    NOT NULL,
    point       TEXT    NOT NULL,
    n           INTEGER NOT NULL,               -- 0, 1, 2 … within session, question and point
    at_ms       INTEGER NOT NULL,
    source      TEXT    NOT NULL,               -- interview | drill
    rating      INTEGER NOT NULL,               -- 1 again, 2 hard, 3 good, 4 easy
    verdict     TEXT    NOT NULL,
    probability REAL    NOT NULL,
    recovery    TEXT    NOT NULL,               -- unaided | probe | hint | never
    wording     TEXT    NOT NULL,               -- which wording was asked, see drill
    UNIQUE (session, question, point, n)
) STRICT;
CREATE INDEX reviews_by_point ON reviews (question, point, at_ms);

-- What the reviews add up to: it can be computed from them again at any time.
CREATE TABLE cards (
    id          INTEGER PRIMARY KEY,
    question    TEXT    NOT NULL,
    point       TEXT    NOT NULL,
    stability   REAL    NOT NULL,               -- days
    difficulty  REAL    NOT NULL,               -- 1 to 10
    last_at     INTEGER NOT NULL,               -- milliseconds since 1970, UTC
    due_at      INTEGER NOT NULL,
    reviews     INTEGER NOT NULL,
    lapses      INTEGER NOT NULL,
    wording     TEXT    NOT NULL,               -- the wording asked last
    UNIQUE (question, point)
) STRICT;
CREATE INDEX cards_by_due ON cards (due_at);

-- Finished sessions whose verdicts have become reviews.
CREATE TABLE scheduled (
    id          INTEGER PRIMARY KEY,
    session     TEXT    NOT NULL UNIQUE REFERENCES sessions (id) ON DELETE CASCADE
) STRICT;

-- Values of the person rather than of a session: fitted parameters, say.
CREATE TABLE kept (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    at_ms       INTEGER NOT NULL,
    json        TEXT    NOT NULL
) STRICT;
