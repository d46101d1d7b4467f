"""Takes a package of `viva drill export` into Anki, by Anki's own importer.

    python tests/anki_import.py FILE.apkg [NEWER.apkg]

Makes a fresh collection in a temporary folder, imports FILE, imports it again,
imports NEWER (the same points exported later) where it is given, and checks
what is there after each: notes, fields, tags, cards and deck. Prints one line
and exits with 0 when everything holds. Needs the package `anki`; see `make
anki-check`.
"""

import os
import sys
import tempfile

from anki.collection import Collection, ImportAnkiPackageOptions, ImportAnkiPackageRequest

FIELDS = ["Id", "Question", "Asked", "Point", "Why", "Source"]


def take_in(collection, path):
    """Imports `path`; returns how many notes were new, updated and known."""
    log = collection.import_anki_package(
        ImportAnkiPackageRequest(
            package_path=os.path.abspath(path), options=ImportAnkiPackageOptions()
        )
    ).log
    assert not log.conflicting and not log.missing_notetype and not log.empty_first_field, log
    return len(log.new), len(log.updated), len(log.duplicate)


def check(collection):
    """Checks every note of the deck; returns them as {guid: fields}."""
    notes = {}
    ids = collection.find_notes("deck:viva")
    assert len(ids) == collection.note_count() == collection.card_count()
    for id in ids:
        note = collection.get_note(id)
        assert note.keys() == FIELDS, note.keys()
        for name in FIELDS:
            assert note[name].strip(), f"{note['Id']}: {name} is empty"
            assert "<script" not in note[name].lower()
        kinds = {tag.split("::")[0] for tag in note.tags}
        assert {"viva", "concept", "competency", "round"} <= kinds, note.tags
        (card,) = note.cards()
        assert collection.decks.name(card.did) == "viva"
        assert (card.type, card.queue) == (0, 0), "a card that is not new"
        front, back = card.question(), card.answer()
        assert note["Question"] in front and note["Asked"] in front
        assert note["Point"] not in front, "the front gives the point away"
        assert note["Point"] in back and note["Why"] in back and note["Source"] in back
        notes[note.guid] = dict(note.items())
    assert len(notes) == len(ids), "two notes of one name"
    due = [collection.get_card(id).due for id in collection.find_cards("deck:viva")]
    assert len(set(due)) == len(due), "cards without an order"
    return notes


def main():
    package, *newer = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection(os.path.join(folder, "collection.anki2"))
        new, updated, known = take_in(collection, package)
        assert new > 0 and (updated, known) == (0, 0), (new, updated, known)
        first = check(collection)
        assert len(first) == new

        again = take_in(collection, package)
        assert again == (0, 0, new), again
        assert check(collection) == first, "importing twice changed something"

        told = ""
        for path in newer:
            counts = take_in(collection, path)
            assert counts[0] == 0, "a later export came in as other notes"
            then = check(collection)
            assert then.keys() == first.keys()
            told = f"; a later export renews {counts[1]} and adds none"
        _, sound = collection.fix_integrity()
        assert sound, "Anki found the collection damaged"
        collection.close()
    print(f"Anki takes in {new} notes, none of them twice{told}.")


if __name__ == "__main__":
    main()
