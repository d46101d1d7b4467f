#!/usr/bin/env python3
"""Checks the judge's corpus, and prints its counts, the agreement of its annotators and two simple baselines.

Problems (ids, kinds, label values, missing labels) end it with status 1. Lengths outside a kind's range are only counted.
Needs Python 3.11 and nothing else.

usage: python3 training/judge/check.py
"""
import collections
import glob
import json
import os
import random
import re
import statistics
import sys
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Words an answer of each kind was to have.
FIRST_KINDS = {
    "strong": (110, 190), "paraphrase": (90, 160), "story": (90, 160), "half": (60, 110), "short": (20, 45),
    "weak-long": (90, 150), "wrong": (90, 150), "wrong-mixed": (70, 130), "corrected": (80, 140),
}
LATER_KINDS = {
    "told": (110, 180), "medium": (70, 130), "near-miss": (90, 150), "wrong-sure": (90, 150), "wrong-subtle": (90, 150), "terse": (25, 60),
}
# From b21 on: these four of every question, and two of the others.
ALWAYS = ("told", "medium", "near-miss", "wrong-subtle")
LAST_KINDS = {"ramble": (180, 260), "contradict": (100, 160), "adjacent": (90, 150)}
# From b30 on: a first one of every question, and a second one of those before b32.
POLISHED = {"polished": (80, 160), "polished-half": (60, 120)}
# From b40 on: to questions of all batches before.
REJECTING = {"warned": (60, 120), "slipped": (60, 120)}
# b43, c02 and c03: to 80 questions of all batches before.
RAMBLING = {"ramble-thin": (220, 305), "ramble-rich": (220, 305)}
KINDS = RAMBLING | FIRST_KINDS | LATER_KINDS | LAST_KINDS | POLISHED | REJECTING
# Kinds whose points nearly all get the same label, so that agreeing on them is easy.
ONE_SIDED = ("strong", "weak-long", "wrong", "told", "near-miss", "wrong-sure")
POINT_VALUES = (1, 0.5, 0, -1)
MISTAKE_VALUES = (1, 0.5, 0)
STOP = set("a an and are as at be by for from has have how in is it its of on or own says such than that the their them "
           "they this to was were what when which who with".split())


def read_lines(pattern):
    """Yields file name, line number and object of every line of the files that match."""
    for path in sorted(glob.glob(os.path.join(HERE, pattern))):
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield os.path.relpath(path, HERE), number, json.loads(line)


def read_questions():
    """Returns every question by its id, from the bank's guides and from the corpus's own questions."""
    questions = {}
    paths = sorted(glob.glob(os.path.join(ROOT, "content", "guides", "*.toml")))
    for path in paths + sorted(glob.glob(os.path.join(HERE, "questions", "*.toml"))):
        with open(path, "rb") as file:
            for question in tomllib.load(file).get("question", []):
                questions[question["id"]] = question
    return questions


def check_answers(questions, problems):
    answers = {}
    for name, number, row in read_lines("answers/*.jsonl"):
        where = f"{name}:{number}"
        if set(row) != {"id", "question", "kind", "answer"}:
            problems.append(f"{where}: fields {sorted(row)}")
            continue
        if row["id"] in answers:
            problems.append(f"{where}: {row['id']} a second time")
        if row["kind"] not in KINDS or row["id"] != f"{row['question']}/{row['kind']}":
            problems.append(f"{where}: id {row['id']} against kind {row['kind']}")
        if row["question"] not in questions:
            problems.append(f"{where}: unknown question {row['question']}")
        answers[row["id"]] = row
    kinds = collections.defaultdict(set)
    for row in answers.values():
        kinds[row["question"]].add(row["kind"])
    for question, found in kinds.items():
        found = found - set(POLISHED) - set(REJECTING) - set(RAMBLING)
        last = set(ALWAYS) <= found and len(found) == len(ALWAYS) + 2 and found <= set(LATER_KINDS) | set(LAST_KINDS)
        if found not in (set(FIRST_KINDS), set(LATER_KINDS)) and not last:
            problems.append(f"{question}: has the kinds {sorted(found)}")
    return answers


def check_labels(pattern, questions, answers, problems):
    labels = {}
    for name, number, row in read_lines(pattern):
        where = f"{name}:{number}"
        answer = answers.get(row.get("id"))
        if set(row) != {"id", "points", "mistakes"} or answer is None:
            problems.append(f"{where}: fields, or an id without an answer: {row.get('id')}")
            continue
        if row["id"] in labels:
            problems.append(f"{where}: {row['id']} a second time")
        labels[row["id"]] = row
        question = questions.get(answer["question"], {})
        for field, key, values in (("points", "point", POINT_VALUES), ("mistakes", "mistake", MISTAKE_VALUES)):
            expected = {item["id"] for item in question.get(key, [])}
            if set(row[field]) != expected:
                problems.append(f"{where}: {field} differ from the question's: {sorted(set(row[field]) ^ expected)}")
            problems.extend(f"{where}: {field} {item} = {value}" for item, value in row[field].items() if value not in values)
    return labels


def check_exams(problems):
    """Returns the marks of the exam answers by id."""
    marks = {row["id"]: row["marks"] for _, _, row in read_lines("exams/*.marks.jsonl")}
    rows = list(read_lines("exams/e??.jsonl"))
    for name, number, row in rows:
        if set(row) != {"id", "question_id", "question", "reference", "answer"}:
            problems.append(f"{name}:{number}: fields {sorted(row)}")
        elif marks.get(row["id"]) not in [half / 2 for half in range(11)]:
            problems.append(f"{name}:{number}: marks {marks.get(row['id'])}")
    ids = [row.get("id") for _, _, row in rows]
    if len(set(ids)) != len(ids) or set(ids) != set(marks):
        problems.append("exams: ids twice, or marks without an answer")
    return marks, {row.get("question_id") for _, _, row in rows}


def check_facts(problems):
    """Returns how many labelled statements about texts there are, and the pairs of first and second labels."""
    count, ids, first = 0, set(), {}
    for name, number, row in read_lines("facts*.jsonl"):
        if name == "facts-second.jsonl":
            continue
        where = f"{name}:{number}"
        if set(row) != {"id", "facts", "texts"} or row["id"] in ids or len(set(row["facts"])) != len(row["facts"]):
            problems.append(f"{where}: fields {sorted(row)}, an id or a fact a second time")
            continue
        ids.add(row["id"])
        for text in row["texts"]:
            if len(text["stated"]) != len(row["facts"]) or not set(text["stated"]) <= {0, 1} or not text["text"].strip():
                problems.append(f"{where}: labels {text['stated']} of {len(row['facts'])} facts")
            count += len(text["stated"])
        first[row["id"]] = [text["stated"] for text in row["texts"]]
    again = []
    for name, number, row in read_lines("facts-second.jsonl"):
        texts = first.get(row["id"], [])
        if row["text"] >= len(texts) or len(texts[row["text"]]) != len(row["stated"]):
            problems.append(f"{name}:{number}: no text {row['text']} of {row['id']} with {len(row['stated'])} facts")
            continue
        again += zip(texts[row["text"]], row["stated"])
    return count, again


def check_nonsense(questions, problems):
    """Returns how many written pieces of nonsense there are."""
    ids = set()
    for name, number, row in read_lines("nonsense.jsonl"):
        where = f"{name}:{number}"
        if set(row) != {"id", "question", "kind", "answer"} or row["kind"] != "nonsense":
            problems.append(f"{where}: fields {sorted(row)}, kind {row.get('kind')}")
            continue
        if row["id"] in ids or not re.fullmatch(re.escape(row["question"]) + "/nonsense(-[0-9]+)?", row["id"]):
            problems.append(f"{where}: {row['id']} a second time, or not after its question")
        if row["question"] not in questions or not row["answer"].strip():
            problems.append(f"{where}: unknown question {row['question']}, or no answer")
        ids.add(row["id"])
    return len(ids)


def check_passages(questions, answers, problems):
    """Checks digressions, talk around the subject and marked evidence; returns how many there are of each."""
    counts = []
    for file, fields in (("digressions", {"id", "text"}), ("vague", {"id", "question", "text"}), ("evidence", {"id", "evidence"})):
        ids = set()
        for name, number, row in read_lines(file + ".jsonl"):
            where = f"{name}:{number}"
            if set(row) != fields or row["id"] in ids or row.get("question", next(iter(questions))) not in questions or not row.get("text", "x").strip():
                problems.append(f"{where}: fields {sorted(row)}, an id a second time, an unknown question or no text")
                continue
            ids.add(row["id"])
            if file == "evidence":
                answer = answers.get(row["id"], {"answer": "", "question": ""})
                points = {point["id"] for point in questions.get(answer["question"], {}).get("point", [])}
                problems.extend(f"{where}: {point} is no point of it" for point in set(row["evidence"]) - points)
                problems.extend(f"{where}: not in the answer: {said}" for all_said in row["evidence"].values() for said in all_said
                                if not said.strip() or said not in answer["answer"])
        counts.append(f"{len(ids)} of {file}")
    return counts


def three_classes(value):
    return "made" if value == 1 else "wrong" if value == -1 else "not"


def kappa(pairs):
    """Cohen's kappa of pairs of labels; None where chance alone explains everything."""
    if not pairs:
        return None
    total = len(pairs)
    agreed = sum(a == b for a, b in pairs) / total
    first, second = (collections.Counter(side) for side in zip(*pairs))
    chance = sum(first[label] * second[label] for label in first) / total**2
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def interval(groups, draws=2000):
    """The middle 95 per cent of kappa when whole answers are drawn with replacement."""
    rng = random.Random(1)
    values = []
    for _ in range(draws):
        drawn = [pair for group in rng.choices(groups, k=len(groups)) for pair in group]
        value = kappa(drawn)
        if value is not None:
            values.append(value)
    values.sort()
    return values[int(0.025 * len(values))], values[int(0.975 * len(values))]


def share(pairs, read=lambda value: value):
    """Share of the pairs whose two labels are the same once read."""
    return sum(read(a) == read(b) for a, b in pairs) / len(pairs)


def print_agreement(first, second, answers):
    both = [key for key in second if key in first]
    mixed = [key for key in both if answers[key]["kind"] not in ONE_SIDED]
    print(f"\nAgreement: {len(both)} answers labelled twice, {len(mixed)} of them not {', '.join(ONE_SIDED)}")
    parts = (("points", both, "points"), ("points", mixed, "points, mixed kinds"), ("mistakes", both, "mistakes"))
    for field, keys, what in parts:
        groups = [[(first[key][field][item], value) for item, value in second[key][field].items()] for key in keys]
        pairs = [pair for group in groups for pair in group]
        if not pairs:
            continue
        made = [[(a == 1, b == 1) for a, b in group] for group in groups]
        flat = [pair for group in made for pair in group]
        low, high = interval(made)
        print(f"  {what}: {len(pairs)} labels, same value {share(pairs):.3f}, "
              f"same class (made, not, wrong) {share(pairs, three_classes):.3f}; "
              f"made or not: same {share(flat):.3f}, kappa {kappa(flat):.3f} (95 per cent {low:.3f} to {high:.3f})")
        if keys is mixed:
            continue
        table = collections.Counter(pairs)
        values = sorted({value for pair in pairs for value in pair}, reverse=True)
        print("    first \\ second " + "".join(f"{value:>6}" for value in values))
        for a in values:
            print(f"    {a:>14} " + "".join(f"{table[a, b]:>6}" for b in values))


def auc(scored):
    """Chance that a made point scores above one that is not; ties count half."""
    ranked = sorted(scored)
    positives = sum(made for _, made in ranked)
    negatives = len(ranked) - positives
    if not positives or not negatives:
        return float("nan")
    wins, below, start = 0.0, 0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        made = sum(flag for _, flag in ranked[start:end])
        missed = end - start - made
        wins += made * (below + missed / 2)
        below += missed
        start = end
    return wins / (positives * negatives)


def stems(text):
    """Words without the commonest endings, function words left out."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return {re.sub(r"(ing|ed|es|s)$", "", word) if len(word) > 4 else word for word in words if word not in STOP}


def print_baselines(questions, answers, labels):
    by_length, by_overlap, against_wrong = [], [], ([], [])
    for key, label in labels.items():
        answer = answers[key]["answer"]
        said, length = stems(answer), len(answer.split())
        for point in questions[answers[key]["question"]]["point"]:
            value = label["points"].get(point["id"])
            if value is None:
                continue
            wanted = stems(point["text"] + " " + " ".join(point.get("key_terms", [])))
            overlap = len(wanted & said) / len(wanted) if wanted else 0.0
            by_length.append((length, value == 1))
            by_overlap.append((overlap, value == 1))
            if value in (1, -1):
                against_wrong[0].append((length, value == 1))
                against_wrong[1].append((overlap, value == 1))
    print(f"\nBaselines on {len(by_length)} points (area under the curve; 0.5 is chance)")
    print(f"  made against not made or wrong: length {auc(by_length):.3f}, word overlap {auc(by_overlap):.3f}")
    print(f"  made against wrong only:        length {auc(against_wrong[0]):.3f}, word overlap {auc(against_wrong[1]):.3f}")


def main():
    problems = []
    questions = read_questions()
    answers = check_answers(questions, problems)
    first = check_labels("labels/*.jsonl", questions, answers, problems)
    second = check_labels("labels-second/*.jsonl", questions, answers, problems)
    marks, exams = check_exams(problems)
    pieces = check_nonsense(questions, problems)
    passages = check_passages(questions, answers, problems)
    facts, stated = check_facts(problems)
    for problem in problems:
        print("problem:", problem, file=sys.stderr)
    if problems:
        raise SystemExit(f"{len(problems)} problems")
    print(f"{len(answers)} answers to {len({row['question'] for row in answers.values()})} questions; "
          f"{len(first)} labelled, {len(second)} of them a second time")
    print(f"{pieces} pieces of written nonsense; passages: {', '.join(passages)}; {facts} labelled statements about texts, "
          f"{len(stated)} of them a second time, {sum(a == b for a, b in stated) / max(1, len(stated)):.3f} the same")
    if marks:
        low, high = (sum(test(value) for value in marks.values()) / len(marks) for test in (lambda v: v <= 1, lambda v: v >= 4))
        print(f"{len(marks)} exam answers to {len(exams)} questions: {low:.2f} with at most one mark of five, {high:.2f} with four or more")
        again = [(marks[row["id"]], row["marks"]) for _, _, row in read_lines("exams-second/*.marks.jsonl")]
        apart = sum(abs(a - b) for a, b in again) / max(1, len(again))
        print(f"{len(again)} of them marked a second time: r {statistics.correlation(*zip(*again)):.3f}, {apart:.2f} marks of five apart on average")

    print("\nWords by kind, and the share of each label given to points")
    for kind, (low, high) in KINDS.items():
        rows = [row for row in answers.values() if row["kind"] == kind]
        lengths = sorted(len(row["answer"].split()) for row in rows)
        given = collections.Counter(v for row in rows if row["id"] in first for v in first[row["id"]]["points"].values())
        total = sum(given.values()) or 1
        shares = "  ".join(f"{value}: {given[value] / total:.2f}" for value in POINT_VALUES)
        if lengths:
            outside = sum(not low <= length <= high for length in lengths)
            print(f"  {kind:<12} {len(rows):>4} answers, {lengths[0]} to {lengths[-1]} words, median "
                  f"{lengths[len(lengths) // 2]}, {outside} outside {low} to {high};  {shares}")
    for field, values in (("points", POINT_VALUES), ("mistakes", MISTAKE_VALUES)):
        given = collections.Counter(v for row in first.values() for v in row[field].values())
        total = sum(given.values()) or 1
        print(f"  all {field}: {total} labels, " + ", ".join(f"{v}: {given[v] / total:.3f}" for v in values))
    print_agreement(first, second, answers)
    print_baselines(questions, answers, first)


if __name__ == "__main__":
    main()
