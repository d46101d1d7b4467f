#!/usr/bin/env python3
"""Trains the matcher: all-MiniLM-L6-v2 tuned for late interaction of answers with statements.

Answer and statement are encoded apart, as lower-case words without punctuation. A statement's tokens each look for the
closest token of the answer; the mean of these cosines, weighted by a gate that is learned, and the cosine of the mean vectors
say whether a point or mistake is there. For a whole model answer ("reference") the plain mean and how much of the answer is
about it count too. Whether this is an answer to the question is the cosine of the answer's mean vector and that of question
and points together, learned against the other answers of a batch. What was said wrongly cannot be told apart in this way:
points labelled wrong are left out.

usage: train_matcher.py --base FOLDER --corpus training/judge --public DIR --minutes M [--device cuda] --out matcher.pt [--start matcher.pt]
"""
import argparse
import random
import time

import numpy as np
import torch
from scipy.stats import pearsonr
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer

import reader_data as data

ANSWER_TOKENS = 288     # tokens of an answer that are read at a time
STATEMENT_TOKENS = 64   # tokens of a statement, and
REFERENCE_TOKENS = 192  # of a reference or of question and points together
data.PUBLIC.update({"saf_train": 1500, "semeval_train": 3000, "mohler": 1700, "argkp_train": 2500})


def statement(b):
    return data.squeeze(b["text"], data.REFERENCE if b["what"] == "reference" else 400)


class Matcher(torch.nn.Module):
    def __init__(self, base):
        super().__init__()
        self.tok = AutoTokenizer.from_pretrained(base)
        self.bert = AutoModel.from_pretrained(base, attn_implementation="sdpa", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.bert.embeddings.word_embeddings.weight.requires_grad = False
        self.gate = torch.nn.Linear(384, 1)
        torch.nn.init.zeros_(self.gate.weight)
        torch.nn.init.constant_(self.gate.bias, 0.5)
        p = lambda *values: torch.nn.Parameter(torch.tensor(values))
        self.point, self.mistake = p(-6.5, 10.0, 3.0), p(-7.5, 10.0, 3.0)   # bias, late interaction, pooled
        self.reference = p(-6.5, 5.0, 5.0, 1.0)                             # bias, said, telling, mass
        self.topic = p(-3.0, 12.0)                                          # bias, pooled

    def encode(self, texts, tokens):
        """Returns unit vectors of each text's own tokens, padded, and their mask."""
        e = self.tok(texts, padding=True, truncation=True, max_length=tokens, return_tensors="pt", return_special_tokens_mask=True).to(self.gate.weight.device)
        own = 1 - e.pop("special_tokens_mask")
        h = F.normalize(self.bert(**e).last_hidden_state, dim=-1)
        return h, own.float()


def pooled(h, mask):
    return F.normalize((h * mask[..., None]).sum(1), dim=-1)


def interact(model, s, sm, a, am):
    """Returns said, telling, mass and pooled of pairs: statements (n, t, d) against answers (n, u, d)."""
    c = torch.bmm(s, a.transpose(1, 2))
    best = c.masked_fill(am[:, None] == 0, -1.0).amax(2)
    near = c.masked_fill(sm[..., None] == 0, -1.0).amax(1)
    gs, ga = F.softplus(model.gate(s)[..., 0]) * sm, F.softplus(model.gate(a)[..., 0]) * am
    said = (best * sm).sum(1) / sm.sum(1).clamp(min=1)
    telling = (best * gs).sum(1) / gs.sum(1).clamp(min=1e-6)
    about = (((near - 0.35) / 0.4).clamp(0, 1) * ga).sum(1)
    mass = torch.log1p(about / gs.sum(1).clamp(min=1e-6)).clamp(max=0.92)
    return said, telling, mass, (pooled(s, sm) * pooled(a, am)).sum(1)


def logits_of(model, whats, said, telling, mass, pool):
    out = []
    for n, what in enumerate(whats):
        w = {"mistake": model.mistake, "reference": model.reference}.get(what, model.point)
        out.append(w[0] + w[1] * said[n] + w[2] * telling[n] + w[3] * mass[n] if what == "reference" else w[0] + w[1] * telling[n] + w[2] * pool[n])
    return torch.stack(out)


def plain(text):
    return data.words(text)


def own_pass(corpus, seed):
    """Returns a pass over the training part of the corpus (see `training_items`), with references joined of points: what a
    share of them an answer makes is known."""
    questions = data.questions_of(corpus)
    items = data.training_items(corpus, None, seed)
    rng = random.Random(seed + 5)
    for it in items:
        it["topic"] = 0 if it["kind"] in data.WORTHLESS else 1
        q = questions[it["group"]]
        it["about"], it["concept"] = about(q), q["concept"]
        own = [b for b in it["branches"] if b["what"] == "point" and b["label"] is not None]
        it["branches"] = [b for b in it["branches"] if b["label"] != -1]
        if len(own) >= 3 and rng.random() < 0.35:
            some = rng.sample(own, rng.randint(2, min(5, len(own))))
            share = sum(max(b["label"], 0) for b in some) / len(some)
            it["branches"].append(data.branch("reference", ". ".join(data.without_frame(statement(b)) for b in some), share, (0.02 + 0.95 * share, 0, 0)))
    return items + data.exam_items(corpus, "train")


def about(q):
    return " ".join([q["ask"]] + [p["text"] for p in q["point"]])


def batches(items, rng, tokens):
    rng.shuffle(items)
    out, now, size = [], [], 0
    for it in items:
        if not it["branches"]:
            continue
        it["size"] = 12 + len(it["answer"]) // 5 + sum(8 + len(b["text"]) // 5 for b in it["branches"])
        if now and size + it["size"] > tokens:
            out.append(now)
            now, size = [], 0
        now.append(it)
        size += it["size"]
    out.append(now)
    return out


def encoded(model, texts, tokens, chunk):
    """Encodes texts in chunks of like length; returns one (vectors, mask) a text, unpadded."""
    order, out = sorted(range(len(texts)), key=lambda n: len(texts[n])), [None] * len(texts)
    for at in range(0, len(order), chunk):
        some = order[at:at + chunk]
        h, m = model.encode([texts[n] for n in some], tokens)
        for row, n in enumerate(some):
            keep = m[row].bool()
            out[n] = h[row][keep] if keep.any() else h[row][:1]
    return out


def stacked(parts):
    n = max(len(p) for p in parts)
    masks = torch.tensor([[1.0] * len(p) + [0.0] * (n - len(p)) for p in parts], device=parts[0].device)
    return torch.stack([F.pad(p, (0, 0, 0, n - len(p))) for p in parts]), masks


def forward(model, items, chunk=8):
    """Returns the logits of all branches in order, the vectors of the answers and of what the own ones are about."""
    answers = encoded(model, [plain(it["answer"]) or "nothing" for it in items], ANSWER_TOKENS, chunk)
    flat = [(n, b) for n, it in enumerate(items) for b in it["branches"]]
    short = [k for k, (_, b) in enumerate(flat) if b["what"] != "reference"]
    long = [k for k, (_, b) in enumerate(flat) if b["what"] == "reference"]
    statements = [None] * len(flat)
    for some, tokens, size in ((short, STATEMENT_TOKENS, 48), (long, REFERENCE_TOKENS, 12)):
        for k, h in zip(some, encoded(model, [plain(statement(flat[k][1])) or "nothing" for k in some], tokens, size) if some else []):
            statements[k] = h
    logits = [None] * len(flat)
    order = sorted(range(len(flat)), key=lambda k: len(statements[k]) * 1000 + len(answers[flat[k][0]]))
    for at in range(0, len(order), 32):
        some = order[at:at + 32]
        s, sm = stacked([statements[k] for k in some])
        a, am = stacked([answers[flat[k][0]] for k in some])
        for k, z in zip(some, logits_of(model, [flat[k][1]["what"] for k in some], *interact(model, s, sm, a, am))):
            logits[k] = z
    own = [n for n, it in enumerate(items) if it.get("about")]
    told = encoded(model, [plain(items[n]["about"]) for n in own], REFERENCE_TOKENS, 8) if own else []
    mean = lambda h: F.normalize(h.sum(0), dim=-1)
    return torch.stack(logits), [mean(h) for h in answers], {n: mean(h) for n, h in zip(own, told)}


def loss_of(model, items, logits, answers, abouts):
    total, count, at, device = 0.0, 0.0, 0, logits.device
    for it in items:
        rows = logits[at:at + len(it["branches"])]
        at += len(it["branches"])
        if it.get("score") is not None:
            weight = torch.tensor([b["weight"] for b in it["branches"]], device=device)
            mean = ((rows.sigmoid() * weight).sum() / weight.sum()).clamp(1e-4, 1 - 1e-4)
            total = total - (it["score"] * mean.log() + (1 - it["score"]) * (1 - mean).log())
            count += 1
        else:
            target = torch.tensor([b["target"][0] for b in it["branches"]], device=device)
            each = 1 / len(it["branches"]) ** 0.5
            total = total + each * F.binary_cross_entropy_with_logits(rows, target, reduction="sum")
            count += each * len(it["branches"])
    # Every answer of the batch against every question of it. The one question of its own weighs
    # as much as a quarter of the others.
    if abouts:
        own = list(abouts)
        z = model.topic[0] + model.topic[1] * torch.stack([abouts[n] for n in own]) @ torch.stack([answers[n] for n in own]).T
        pairs = [[0.0 if n != m and items[n]["concept"] == items[m]["concept"] else 1.0 if n != m else max(1.0, len(own) / 4) for m in own] for n in own]
        label = [[float(n == m and items[n]["topic"]) for m in own] for n in own]
        pairs, label = torch.tensor(pairs, device=device), torch.tensor(label, device=device)
        each = F.binary_cross_entropy_with_logits(z, label, reduction="none") * pairs
        share = 1.5 * len(own)
        total = total + share * each.sum() / pairs.sum()
        count += share
    return total / count


def predicted(model, items):
    found, size = [], 12
    with torch.no_grad():
        for at in range(0, len(items), size):
            some = items[at:at + size]
            logits, answers, abouts = forward(model, some)
            k = 0
            for n, it in enumerate(some):
                row = {"topic": float((abouts[n] * answers[n]).sum()) if n in abouts else None}
                for b in it["branches"]:
                    row[id(b)] = float(logits[k].sigmoid())
                    k += 1
                found.append(row)
    return found


def measure(model, corpus, public, rows=250):
    model.eval()
    rng = random.Random(3)
    questions = data.questions_of(corpus)
    items = data.own_items(corpus, "valid")
    by_question = {}
    for it in items:
        by_question.setdefault(it["group"], []).append(it)
    extra = []
    for qid in sorted(by_question):
        far, made = data.worthless(qid, questions, by_question, rng)
        far += data.worthless(qid, questions, by_question, rng)[0]
        extra += [data.worthless_item(questions[qid], kind, text) for kind, text in far + rng.sample(made, 1)]
    ids = sorted(by_question)
    for it in items:
        for o in rng.sample([o for o in ids if questions[o]["concept"] != questions[it["group"]]["concept"]], 2):
            it["branches"].append(data.branch("foreign", rng.choice(questions[o]["point"])["text"], 0, data.TARGETS[0]))
    for it in items + extra:
        it["about"] = about(questions[it["group"]])
    found = predicted(model, items + extra)
    flat = [(it["kind"], b["what"], b["label"], f[id(b)]) for it, f in zip(items + extra, found) for b in it["branches"]]
    real = [r for r in flat if r[0] not in data.WORTHLESS]
    for what in ("point", "mistake"):
        some = [(label == 1, p) for _, w, label, p in real if w == what and label in (1, 0, -1)]
        print(f"  {what} AUC {data.auc(*zip(*some)):.3f} of {len(some)}", end=";")
    some = [(label == 1, p) for _, w, label, p in real if w == "point" and label in (1, 0)]
    print(f" without wrong {data.auc(*zip(*some)):.3f}", end=";")
    made = [(True, p) for _, w, label, p in real if w == "point" and label == 1] + [(False, p) for _, w, _, p in real if w == "foreign"]
    print(f" foreign {data.auc(*zip(*made)):.3f}", end=";")
    far = [(it["kind"] != "off-topic", f["topic"]) for it, f in zip(items + extra, found) if it["kind"] not in data.WORTHLESS or it["kind"] == "off-topic"]
    cut = np.quantile([v for real, v in far if real], [0.01, 0.03])
    print(f" off-topic {data.auc(*zip(*far)):.3f}, at 1%% and 3%% of real ones lost %.2f %.2f of {sum(not r for r, _ in far)} caught" % tuple(np.mean([v < c for real, v in far if not real]) for c in cut), flush=True)
    line = []
    for name in ("sprag_ml", "nn_course", "mohler", "saf_train", "semeval_train", "argkp_dev") if public else ():
        some = [r for r in data.rows_of(public, name) if r["answer"].strip() and (name not in data.PUBLIC or data.held_out(name, r["qid"]))]
        some = random.Random(1).sample(some, min(rows, len(some)))
        its = []
        for r in some:
            use = [data.branch("reference", ref) for ref in r["references"][:3]] if name in ("sprag_ml", "nn_course", "mohler", "semeval_train") else [data.branch("point", p["text"], weight=p["weight"]) for p in r["points"]]
            its.append({"question": r["question"], "answer": r["answer"], "branches": use})
        found = predicted(model, its)
        value = [max(f[id(b)] for b in it["branches"]) if it["branches"][0]["what"] == "reference" else sum(f[id(b)] * b["weight"] for b in it["branches"]) / sum(b["weight"] for b in it["branches"]) for it, f in zip(its, found)]
        y = [r["score"] for r in some]
        figure = data.auc(np.array(y) == 1, value) if name == "argkp_dev" else pearsonr(value, y)[0]
        line.append(f"{name} {figure:.3f}")
    print("  " + ", ".join(line), flush=True)
    model.train()


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--base", required=True, help="folder of the encoder's weights and tokenizer")
    a.add_argument("--corpus", required=True)
    a.add_argument("--public", help="folder of the public sets")
    a.add_argument("--minutes", type=float, required=True, help="wall time")
    a.add_argument("--rate", type=float, default=5e-5)
    a.add_argument("--tokens", type=int, default=2500)
    a.add_argument("--times", type=float, default=1.0, help="size of the sample of the public sets")
    a.add_argument("--look", type=float, default=480)
    a.add_argument("--device", default="cpu")
    a.add_argument("--start")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--out", required=True)
    a = a.parse_args()
    torch.manual_seed(a.seed)
    # Weights kept in half precision are trained in single.
    model = Matcher(a.base).float().to(a.device)
    if a.start:
        model.load_state_dict(torch.load(a.start, map_location=a.device))
    heads = [model.point, model.mistake, model.reference, model.topic]
    body = [p for p in model.bert.parameters() if p.requires_grad]
    opt = torch.optim.AdamW([{"params": body, "lr": a.rate}, {"params": list(model.gate.parameters()), "lr": 2e-3}, {"params": heads, "lr": 5e-3}], weight_decay=0.01, betas=(0.9, 0.98))
    measure(model, a.corpus, a.public, 150)
    begun, step, seen, passes, losses, queue = time.time(), 0, 0, 0, [], []
    peak = [g["lr"] for g in opt.param_groups]
    looked = time.time()
    rng = random.Random(a.seed)
    model.train()
    while (share := (time.time() - begun) / (60 * a.minutes)) < 1:
        if not queue:
            queue = batches(own_pass(a.corpus, a.seed * 100 + passes) + (data.public_items(a.public, a.seed * 100 + passes, a.times) if a.public else []), rng, a.tokens)
            print(f"pass {passes}, {len(queue)} batches", flush=True)
            passes += 1
        items = queue.pop()
        rate = min(1, (step + 1) / 50) * (0.03 + 0.97 * (1 - share))
        for g, top in zip(opt.param_groups, peak):
            g["lr"] = top * rate
        loss = loss_of(model, items, *forward(model, items))
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step += 1
        seen += sum(it["size"] for it in items)
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            print(f"step {step}, {seen} tokens, {time.time() - begun:.0f} s, loss {np.mean(losses[-50:]):.3f}", flush=True)
        if time.time() - looked > a.look:
            torch.save(model.state_dict(), a.out)
            measure(model, a.corpus, a.public, 150)
            looked = time.time()
    torch.save(model.state_dict(), a.out)
    measure(model, a.corpus, a.public)


if __name__ == "__main__":
    main()
