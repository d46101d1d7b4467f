#!/usr/bin/env python3
"""Writes the calibration set of `viva doctor --judge` from the test part of the corpus, which nothing was trained or fitted
on: of each question a strong, a medium and a confidently wrong answer, two others, and one or two made ones worth nothing; of
some, one more that sounds like an answer and says nothing.

The shipped file was drawn when the corpus ended with batch b17; the third argument makes the same file again.

usage: make_calibration.py training/judge models/calibration.jsonl [b17]
"""
import json
import random
import sys

import reader_data

SURE = ("strong", "told", "half", "medium", "wrong", "wrong-sure")


def main():
    corpus, out, *last = sys.argv[1:]
    rng = random.Random(3)
    questions = reader_data.questions_of(corpus)
    items = reader_data.own_items(corpus, "test", *last)
    by_question = {}
    for item in items:
        by_question.setdefault(item["group"], []).append(item)
    ids = sorted(by_question)
    everything = {qid: list(answers) for qid, answers in by_question.items()}
    for qid in ids:
        sure = [a for a in by_question[qid] if a["kind"] in SURE]
        others = [a for a in by_question[qid] if a["kind"] not in SURE]
        by_question[qid] = sure + rng.sample(others, 2)
        q = questions[qid]
        heap = [w for p in q["point"] for w in p["key_terms"]] + q["ask"].rstrip("?").split()
        rng.shuffle(heap)
        other = rng.choice([o for o in ids if questions[o]["concept"] != q["concept"]])
        far = rng.choice([a["answer"] for a in everything[other] if a["kind"] in ("strong", "story", "told")])
        made = {"echo": "So the question is: " + q["ask"], "salad": ", ".join(heap), "off-topic": far,
                "order": rng.choice(reader_data.ORDERS[:7]), "non-answer": rng.choice(["I don't know, sorry.", "Hmm, no idea, can we skip this one?", "I'm not sure, I've never done that."])}
        zero, none = {p["id"]: 0 for p in q["point"]}, {m["id"]: 0 for m in q["mistake"]}
        for kind in rng.sample(sorted(made), rng.choice((1, 2))):
            by_question[qid].append(reader_data.item_of(q, kind, made[kind], zero, none))
    for item in reader_data.nonsense_items(corpus, "test"):
        if item["group"] in by_question:
            by_question[item["group"]].append(item)
    with open(out, "w", encoding="utf-8") as file:
        for qid in ids:
            q = questions[qid]
            file.write(json.dumps({
                "id": qid, "question": q["ask"], "points": [{"text": p["text"], "weight": p.get("weight", 10), "essential": p.get("kind") == "essential"} for p in q["point"]],
                "mistakes": [{"text": m["text"], "severity": m.get("severity", "serious")} for m in q["mistake"]],
                "answers": [{"kind": a["kind"], "answer": a["answer"], "points": [b["label"] for b in a["branches"] if b["what"] == "point"],
                             "mistakes": [b["label"] for b in a["branches"] if b["what"] == "mistake"]} for a in by_question[qid]]}, ensure_ascii=False) + "\n")
    print(sum(map(len, by_question.values())), "answers to", len(ids), "questions")


if __name__ == "__main__":
    main()
