#!/usr/bin/env python3
"""Writes src/judge/data/word_weights.txt: how informative common words are.

The figure is an inverse document frequency in tenths, averaged over questions
so that the subject of one question does not make its words look common:

    df(w)  = sum over questions of the share of its texts that contain w
    idf(w) = ln((Q + 1) / (df(w) + 0.5)), in tenths, of a natural logarithm

Only words that are common enough to weigh less than an unknown word are
written. Read from sets whose licence allows it, named in NOTICE:
Mohler 2011 (CC-BY-4.0) and the SAF communication-networks set (MIT).

usage: make_idf.py DIR_WITH_JSONL > src/judge/data/word_weights.txt
"""
import collections
import json
import math
import os
import re
import sys

SETS = ["mohler.jsonl", "saf_train.jsonl"]


def words(text):
    return set(re.findall(r"[a-z0-9]+", re.sub(r"['\u2019]", "", text.lower())))


def main():
    folder = sys.argv[1]
    by_question = collections.defaultdict(list)
    for name in SETS:
        with open(os.path.join(folder, name), encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                by_question[name + row["qid"]].append(words(row["answer"]))
                # The question's own texts count too, once.
                by_question[name + row["qid"] + "#q"] = [words(row["question"] + " " + " ".join(row["references"]))]
    df = collections.Counter()
    for texts in by_question.values():
        for text in texts:
            for word in text:
                df[word] += 1 / len(texts)
    questions = len(by_question)
    print("# Words and their inverse document frequency in tenths; see training/make_idf.py.")
    print(f"# Derived from Mohler 2011 (CC-BY-4.0) and SAF communication networks (MIT); {questions} groups.")
    for word, count in sorted(df.items()):
        if count >= 0.35 and len(word) > 1 and not word.isdigit():
            print(word, round(10 * math.log((questions + 1) / (count + 0.5))))


if __name__ == "__main__":
    main()
