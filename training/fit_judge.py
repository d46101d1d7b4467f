#!/usr/bin/env python3
"""Fits the weights of models/judge.toml, and reports agreement with people set by set.

Every row is judged by the program itself (`viva grade --signals`), so that what is fitted is what ships. The chance
that an answer makes a point is a logistic combination of signals; a row's expected score is the weighted mean over its
points; the loss is the cross entropy of that mean with the person's grade, plus a pull towards the weights set by hand.
Signs are kept: a signal that speaks for a point never counts against it.

Fitted on sets whose licence allows it only (FIT); the others are measured and nothing of them is kept. Figures are
from five folds split by question: no question is in both the fitting and the measuring part.

usage: fit_judge.py --viva target/release/viva --sets DIR [--profile words|vectors] [--rows N] [--write models/judge.toml]
"""
import argparse
import json
import os
import random
import re
import subprocess
import tempfile

import numpy as np
from scipy.optimize import minimize
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

FIT = ["mohler", "saf_train", "argkp_train", "semeval_train"]
MEASURE = ["sprag_ml", "nn_course", "sprag_python", "realsumm", "argkp_dev", "saf_unseen_answers"]
WORDS = ["said", "against"]
MEANING = ["meaning", "pooled"]
# Share of what is said close together, as in src/judge/combine.rs.
LOCAL = 0.2
# Weights set by hand, towards which the fit is pulled: intercept first.
PRIOR = {"words": [-2.6, 5.4, -2.0], "vectors": [-6.0, 2.6, -2.0, 7.0, 3.0]}
PULL = 0.002


def rows_of(folder, name, limit, rng):
    with open(os.path.join(folder, name + ".jsonl"), encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    by_question = {}
    for row in rows:
        by_question.setdefault(row["qid"], []).append(row)
    share = max(1, limit // len(by_question))
    picked = [row for group in by_question.values() for row in rng.sample(group, min(share, len(group)))]
    return rng.sample(picked, min(limit, len(picked)))


def judged(viva, rows):
    """Returns the output lines of `viva grade --signals`, one a row."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False, encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps({key: row[key] for key in ("id", "question", "points", "references", "answer")}) + "\n")
    out = subprocess.run([viva, "--plain", "grade", "--signals", file.name], capture_output=True, text=True, check=False)
    os.unlink(file.name)
    found = [json.loads(line) for line in out.stdout.splitlines()]
    if len(found) != len(rows):
        raise SystemExit(f"{len(found)} of {len(rows)} rows were judged: {out.stderr[-2000:]}")
    return found


def features(signals, profile):
    blend = lambda x: LOCAL * x["near"] + (1 - LOCAL) * x["everywhere"]
    row = [1.0, blend(signals), signals["against"] * signals["near"]]
    if profile == "vectors":
        meaning = signals["meaning"]
        row += [blend(meaning), meaning["pooled"]]
    return row


class Set:
    """Points of all rows of a set, stacked, with their row and share."""

    def __init__(self, rows, found, profile):
        x, owner, share, self.target, self.group, self.length, self.overlap, self.shipped = [], [], [], [], [], [], [], []
        for row, result in zip(rows, found):
            points = result["signals"]["points"]
            if not points:
                continue
            weights = np.array(result["signals"]["weights"])
            for signals, weight in zip(points, weights / weights.sum()):
                x.append(features(signals, profile)); owner.append(len(self.target)); share.append(weight)
            self.target.append(row["score"]); self.group.append(row["qid"]); self.length.append(len(row["answer"].split()))
            self.overlap.append(sum(w * s["everywhere"] for s, w in zip(points, weights / weights.sum())))
            self.shipped.append(result["score"])
        self.x, self.owner, self.share = np.array(x), np.array(owner), np.array(share)
        self.target, self.group = np.array(self.target), np.array(self.group)

    def mean(self, w):
        p = 1 / (1 + np.exp(-np.clip(self.x @ w, -30, 30)))
        return np.bincount(self.owner, self.share * p, len(self.target)), p


def loss(w, sets, prior, masks):
    total, gradient = PULL * np.sum((w - prior) ** 2), 2 * PULL * (w - prior)
    for data, mask in zip(sets, masks):
        mean, p = data.mean(w)
        q = np.clip(mean, 1e-4, 1 - 1e-4)
        count = max(1, mask.sum()) * len(sets)
        total += -np.sum(mask * (data.target * np.log(q) + (1 - data.target) * np.log(1 - q))) / count
        slope = mask * (q - data.target) / (q * (1 - q)) / count
        gradient = gradient + data.x.T @ (slope[data.owner] * data.share * p * (1 - p))
    return total, gradient


def fit(sets, masks, profile):
    prior = np.array(PRIOR[profile])
    bounds = [(None, None)] + [(None, 0) if value < 0 else (0, None) for value in prior[1:]]
    return minimize(loss, prior, args=(sets, prior, masks), jac=True, bounds=bounds, method="L-BFGS-B").x


def figures(target, score, group, rng):
    """Returns Pearson's r (or the AUC of a yes-or-no set) with a 95% interval over resampled questions."""
    binary = set(np.unique(target)) <= {0.0, 1.0}

    def one(index):
        if len(set(target[index])) < 2 or np.std(score[index]) == 0:
            return np.nan
        return roc_auc_score(target[index], score[index]) if binary else pearsonr(target[index], score[index])[0]

    names = np.unique(group)
    members = {name: np.flatnonzero(group == name) for name in names}
    draws = [one(np.concatenate([members[n] for n in rng.choice(names, len(names))])) for _ in range(200)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return ("AUC" if binary else "r"), one(np.arange(len(target))), low, high


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--viva", required=True); a.add_argument("--sets", required=True)
    a.add_argument("--profile", choices=PRIOR, default="vectors"); a.add_argument("--rows", type=int, default=600)
    a.add_argument("--write"); a = a.parse_args()
    rng, draw = random.Random(0), np.random.default_rng(0)
    data = {}
    for name in FIT + MEASURE:
        rows = rows_of(a.sets, name, a.rows, rng)
        data[name] = Set(rows, judged(a.viva, rows), a.profile)
        print(f"judged {name}: {len(data[name].target)} rows", flush=True)
    fitted = [data[name] for name in FIT]
    whole = fit(fitted, [np.ones(len(s.target)) for s in fitted], a.profile)
    folds = {name: np.zeros(len(data[name].target)) for name in FIT}
    fold_of = {name: {q: i % 5 for i, q in enumerate(sorted(set(data[name].group)))} for name in FIT}
    for fold in range(5):
        keep = [np.array([fold_of[name][q] != fold for q in data[name].group], float) for name in FIT]
        w = fit(fitted, keep, a.profile)
        for name, mask in zip(FIT, keep):
            folds[name][mask == 0] = data[name].mean(w)[0][mask == 0]
    print("| set | figure | length only | overlap only | this fit | 95% interval | as shipped |\n| --- | --- | --- | --- | --- | --- | --- |")
    for name, s in data.items():
        score = folds[name] if name in folds else s.mean(whole)[0]
        kind, value, low, high = figures(s.target, score, s.group, draw)
        others = [figures(s.target, np.array(x, float), s.group, np.random.default_rng(0))[1] for x in (s.length, s.overlap, s.shipped)]
        print(f"| {name} | {kind} | {others[0]:.2f} | {others[1]:.2f} | {value:.3f} | {low:.2f} to {high:.2f} | {others[2]:.3f} |")
    names = ["intercept"] + WORDS + (MEANING if a.profile == "vectors" else [])
    print({name: round(float(w), 3) for name, w in zip(names, whole)})
    if a.write:
        text = open(a.write, encoding="utf-8").read()
        head, section = text.split(f"[{a.profile}]", 1)
        section, *rest = re.split(r"(?m)^(?=\[|# Mistakes|# With an encoder)", section, maxsplit=1)
        for name, w in zip(names, whole):
            section = re.sub(rf"(?m)^{name} = .*$", f"{name} = {w:.3f}", section)
        open(a.write, "w", encoding="utf-8").write(head + f"[{a.profile}]" + section + "".join(rest))


if __name__ == "__main__":
    main()
