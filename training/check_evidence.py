#!/usr/bin/env python3
"""Says how often the words that the judge shows for a point are those that make it.

Has the program judge the answers of `judge/evidence.jsonl`, and compares what it shows with what was marked, for the validation part
(on which the constants of `src/judge/evidence.rs` were picked) and the test part apart. Needs Python 3.11 and nothing else but numpy.

usage: check_evidence.py --viva target/release/viva
"""
import argparse
import json
import os
import subprocess

import reader_data

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "judge")


def marked():
    """Returns the answers with marked evidence: id, question, answer, evidence."""
    questions, answers = reader_data.questions_of(HERE), {}
    for name in sorted(os.listdir(os.path.join(HERE, "answers"))):
        with open(os.path.join(HERE, "answers", name), encoding="utf-8") as file:
            answers |= {row["id"]: row for row in map(json.loads, file)}
    with open(os.path.join(HERE, "evidence.jsonl"), encoding="utf-8") as file:
        rows = list(map(json.loads, file))
    return [(row["id"], questions[answers[row["id"]]["question"]], answers[row["id"]]["answer"], row["evidence"]) for row in rows]


def bytes_of(answer, passages):
    """Returns the places of the bytes of passages in an answer."""
    places = set()
    for passage in passages:
        start = len(answer[:answer.index(passage)].encode())
        places |= set(range(start, start + len(passage.encode())))
    return places


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--viva", required=True)
    a = a.parse_args()
    rows = marked()
    asked = "".join(json.dumps({"id": key, "question": q["ask"], "points": [{"text": p["text"]} for p in q["point"]], "answer": answer}) + "\n" for key, q, answer, _ in rows)
    judged = subprocess.run([a.viva, "grade", "-"], input=asked, capture_output=True, text=True, check=True).stdout
    parts = {}
    for (_, q, answer, evidence), found in zip(rows, map(json.loads, judged.splitlines()), strict=True):
        shown = {p["text"]: p["evidence"] for p in found["points"]}
        texts = {p["id"]: p["text"] for p in q["point"]}
        for point, passages in evidence.items():
            ours = {at for start, end in shown[texts[point]] for at in range(start, end)}
            theirs = bytes_of(answer, passages)
            if ours:
                parts.setdefault(reader_data.part_of(q["concept"]), []).append((len(ours & theirs), len(ours), len(theirs)))
    for part, counts in sorted(parts.items()):
        mean = lambda values: sum(values) / len(counts)
        print(f"{part}: {len(counts)} points with evidence; it holds marked words {mean([both > 0 for both, _, _ in counts]):.3f}, half of them or more "
              f"{mean([2 * both >= theirs for both, _, theirs in counts]):.3f}; of what is shown {mean([both / ours for both, ours, _ in counts]):.3f} is marked")


if __name__ == "__main__":
    main()
