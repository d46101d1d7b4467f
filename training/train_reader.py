#!/usr/bin/env python3
"""Trains the reader: SmolLM2-135M with a LoRA adapter that says whether an answer makes a point.

The prompt puts question and answer first, so that all points of an answer fork from one prefix, in training (one packed
sequence with a block attention mask) as in llama.cpp (one KV prefix, one batch of branches):

    Question: ...\nAnswer: ...      <- shared; the answer in lower-case words without punctuation
    \nPoint: ...\nVerdict:          -> " yes" | " no" | " wrong"
    \nMistake: ...\nVerdict:        -> " yes" | " no"

Everything is plain float32 on the processor: about 300 tokens a second on two cores with AVX2, so some two hours for the
shipped adapter. Needs the packages of training/requirements.txt. `export_reader.py` writes the adapter as GGUF.

usage: train_reader.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --corpus training/judge [--public DIR] --phase public|own|worthless
                       [--start reader.pt] --minutes M --out reader.pt
"""
import argparse
import json
import math
import os
import random
import time

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn import functional as F

import reader_data

WORDS = [" yes", " no", " wrong"]
MATRICES = {"attn_q": "q", "attn_k": "k", "attn_v": "v", "attn_output": "o", "ffn_gate": "g", "ffn_up": "u", "ffn_down": "d"}


class Lora(torch.autograd.Function):
    """x times a frozen matrix plus a low-rank update that was merged into it for this step: one product forward, and
    backward no gradient of the frozen part."""

    @staticmethod
    def forward(ctx, x, merged, a, b, scale):
        ctx.save_for_backward(x, merged, a, b)
        ctx.scale = scale
        return x @ merged.T

    @staticmethod
    def backward(ctx, gradient):
        x, merged, a, b = ctx.saved_tensors
        back = gradient @ b
        return gradient @ merged, None, ctx.scale * (back.T @ x), ctx.scale * (gradient.T @ (x @ a.T)), None


@torch.compile(dynamic=True)
def normed(x, weight, eps: float):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


@torch.compile(dynamic=True)
def gated(gate, up):
    return F.silu(gate) * up


@torch.compile(dynamic=True)
def rotated(x, cos, sin):
    """Turns the pairs of x (tokens, heads, size): GGUF keeps the rotary pairs of q and k side by side, and so they stay."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Reader:
    """A Llama-architecture GGUF in float32 with LoRA on every matrix of the layers from `first` on."""

    def __init__(self, path, rank=32, alpha=64, first=6):
        file = gguf.GGUFReader(path)
        get = lambda key: file.fields[key].contents()
        self.heads, self.kv = get("llama.attention.head_count"), get("llama.attention.head_count_kv")
        self.layers, self.eps = get("llama.block_count"), get("llama.attention.layer_norm_rms_epsilon")
        self.base, self.first, self.rank, self.scale = get("llama.rope.freq_base"), first, rank, alpha / rank
        tensors = {t.name: torch.tensor(gguf.dequantize(t.data, t.tensor_type).astype(np.float32)) for t in file.tensors}
        self.embed, self.norm = tensors["token_embd.weight"], tensors["output_norm.weight"]
        self.w = [{short: tensors[f"blk.{n}.{name}.weight"] for name, short in MATRICES.items()} for n in range(self.layers)]
        self.norms = [(tensors[f"blk.{n}.attn_norm.weight"], tensors[f"blk.{n}.ffn_norm.weight"]) for n in range(self.layers)]
        self.size = self.embed.shape[1] // self.heads
        torch.manual_seed(0)
        self.lora = {n: {short: (torch.nn.Parameter(torch.randn(rank, w.shape[1]) / math.sqrt(w.shape[1])),
                                 torch.nn.Parameter(torch.zeros(w.shape[0], rank))) for short, w in self.w[n].items()}
                     for n in range(first, self.layers)}
        tokens = get("tokenizer.ggml.tokens")
        self.tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)},
                                        merges=[tuple(m.split(" ")) for m in get("tokenizer.ggml.merges")]))
        self.tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                          pre_tokenizers.ByteLevel(add_prefix_space=False)])
        self.answers = torch.tensor([self.encode(w)[0] for w in WORDS])
        self.bos = get("tokenizer.ggml.bos_token_id") if get_bool(file, "tokenizer.ggml.add_bos_token") else None

    def encode(self, text):
        return self.tok.encode(text).ids

    def parameters(self):
        return [p for layer in self.lora.values() for pair in layer.values() for p in pair]

    def state(self):
        return {f"{n}.{short}.{side}": p.detach() for n, layer in self.lora.items() for short, pair in layer.items()
                for side, p in zip("ab", pair)}

    def load(self, state):
        with torch.no_grad():
            for n, layer in self.lora.items():
                for short, pair in layer.items():
                    for side, p in zip("ab", pair):
                        p.copy_(state[f"{n}.{short}.{side}"])

    def pack(self, item):
        """Returns the tokens of an item's prefix and of each of its branches."""
        prefix = ([self.bos] if self.bos is not None else []) + self.encode(reader_data.prefix(item))
        return prefix, [self.encode(b["text"]) for b in item["branches"]]

    def merged(self, n):
        if n < self.first:
            return self.w[n]
        with torch.no_grad():
            return {short: torch.addmm(w, self.lora[n][short][1], self.lora[n][short][0], alpha=self.scale) for short, w in self.w[n].items()}

    def hidden(self, packed):
        """Returns the last hidden state at the end of every branch, in order."""
        ids, positions, masks, ends, spans = [], [], [], [], []
        for prefix, branches in packed:
            start, n = len(ids), len(prefix)
            total = n + sum(map(len, branches))
            ids += prefix
            positions += range(n)
            at = n
            for b in branches:
                k = len(b)
                ids += b
                positions += range(n, n + k)
                at += k
                ends.append(start + at - 1)
            lengths = torch.tensor([len(b) for b in branches])
            owner = torch.repeat_interleave(torch.arange(len(branches)), lengths)
            own = (owner[:, None] == owner[None]).tril()
            seen = torch.cat((torch.ones(total - n, n, dtype=torch.bool), own), 1)
            spans.append((start, start + n, start + total))
            masks.append(torch.zeros(seen.shape).masked_fill(~seen, float("-inf"))[None, None])
        half = self.size // 2
        angle = torch.tensor(positions, dtype=torch.float32)[:, None] / self.base ** (torch.arange(half) / half)
        cos, sin = angle.cos()[:, None, :], angle.sin()[:, None, :]

        x = self.embed[torch.tensor(ids)]
        for n in range(self.layers):
            merged = self.merged(n)
            if n < self.first:
                times = lambda x, short: x @ merged[short].T
            else:
                times = lambda x, short: Lora.apply(x, merged[short], *self.lora[n][short], self.scale)
            with torch.set_grad_enabled(torch.is_grad_enabled() and n >= self.first):
                h = normed(x, self.norms[n][0], self.eps)
                q = rotated(times(h, "q").view(-1, self.heads, self.size), cos, sin)
                k = rotated(times(h, "k").view(-1, self.kv, self.size), cos, sin).repeat_interleave(self.heads // self.kv, 1)
                v = times(h, "v").view(-1, self.kv, self.size).repeat_interleave(self.heads // self.kv, 1)
                q, k, v = (t.transpose(0, 1)[None] for t in (q, k, v))
                parts = []
                for (a, b, c), mask in zip(spans, masks):
                    parts.append(F.scaled_dot_product_attention(q[:, :, a:b], k[:, :, a:b], v[:, :, a:b], is_causal=True))
                    parts.append(F.scaled_dot_product_attention(q[:, :, b:c], k[:, :, a:c], v[:, :, a:c], attn_mask=mask))
                x = x + times(torch.cat(parts, 2)[0].transpose(0, 1).flatten(1), "o")
                h = normed(x, self.norms[n][1], self.eps)
                x = x + times(gated(times(h, "g"), times(h, "u")), "d")
        return F.rms_norm(x[torch.tensor(ends)], (x.shape[1],), self.norm, self.eps)

    def logits(self, items):
        """Returns one row of three logits (yes, no, wrong) for every branch of every item, in order."""
        return self.hidden([self.pack(item) for item in items]) @ self.embed[self.answers].T

    def probabilities(self, items, size=6):
        """Returns one array of probabilities (branches x 3) an item."""
        out = []
        with torch.no_grad():
            for i in range(0, len(items), size):
                rows = self.logits(items[i:i + size]).softmax(-1)
                at = 0
                for item in items[i:i + size]:
                    out.append(rows[at:at + len(item["branches"])].numpy())
                    at += len(item["branches"])
        return out


def get_bool(file, key):
    return bool(file.fields[key].contents()) if key in file.fields else False


def loss_of(logits, items):
    """The cross entropy with the labels; where only a whole answer was graded, of the weighted mean of its points."""
    logs = logits.log_softmax(-1)
    total, count, at = 0.0, 0.0, 0
    for item in items:
        rows = logs[at:at + len(item["branches"])]
        at += len(item["branches"])
        if item.get("score") is not None:
            weight = torch.tensor([b["weight"] for b in item["branches"]])
            mean = (rows[:, 0].exp() * weight).sum() / weight.sum()
            mean = mean.clamp(1e-4, 1 - 1e-4)
            total = total - (item["score"] * mean.log() + (1 - item["score"]) * (1 - mean).log())
            count += 1
        else:
            target = torch.tensor([b["target"] for b in item["branches"]])
            each = 1 / len(item["branches"]) ** 0.5
            total = total - each * (rows * target).sum()
            count += each * len(item["branches"])
    return total / count


def train(reader, items, tokens, rate, minutes, seed, final, out=None):
    """Keeps what there is in `out` every ten steps. Goes through `items` in random order, some `tokens` a step, for
    `minutes` of processor time a thread; the rate falls to `final` of its peak."""
    params = reader.parameters()
    opt = torch.optim.AdamW(params, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    rng, begun, step, queue, losses, seen, passes = random.Random(seed), time.time(), 0, [], [], 0, 0
    used = time.process_time()
    while True:
        # Processor time, so that a run may be stopped and continued while the machine is wanted for something else.
        done = (time.process_time() - used) / (minutes * 60 * torch.get_num_threads())
        if done >= 1:
            break
        if not queue:
            queue = list(items(passes))
            rng.shuffle(queue)
            passes += 1
            print(f"pass {passes}: {len(queue)} items", flush=True)
        batch, size = [], 0
        while queue and size < tokens:
            item = queue.pop()
            prefix, branches = reader.pack(item)
            size += len(prefix) + sum(map(len, branches))
            batch.append(item)
        for g in opt.param_groups:
            g["lr"] = rate * min(1, (step + 1) / 15) * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done)))
        loss = loss_of(reader.logits(batch), batch)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        losses.append(loss.item())
        seen += size
        step += 1
        if step % 10 == 0:
            if out:
                torch.save(reader.state(), out)
            took = time.time() - begun
            print(f"step {step} loss {np.mean(losses[-10:]):.3f} {took:.0f}s {seen / took:.0f} tokens/s, {seen} tokens", flush=True)
    print(f"{step} steps, {passes} passes, {seen} tokens in {time.time() - begun:.0f} s", flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--gguf", required=True)
    a.add_argument("--corpus", required=True)
    a.add_argument("--public")
    a.add_argument("--phase", choices=("public", "own", "worthless"), required=True)
    a.add_argument("--start", help="an adapter of an earlier phase to go on from")
    a.add_argument("--rate", type=float, default=6e-4)
    a.add_argument("--final", type=float, default=0.05, help="share of the rate that is left at the end")
    a.add_argument("--tokens", type=int, default=2400, help="tokens of a step")
    a.add_argument("--minutes", type=float, required=True)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--out", required=True)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    reader = Reader(a.gguf)
    if a.start:
        reader.load(torch.load(a.start))
    if a.phase == "public":
        items = lambda n: reader_data.public_items(a.public, seed=a.seed + n)
    elif a.phase == "worthless":
        items = lambda n: reader_data.worthless_pass(a.corpus, a.public, seed=a.seed + n)
    else:
        items = lambda n: reader_data.training_items(a.corpus, a.public, seed=a.seed + n)
    train(reader, items, a.tokens, a.rate, a.minutes, a.seed, a.final, a.out)
    torch.save(reader.state(), a.out)
    valid = reader_data.own_items(a.corpus, "valid")
    reader_data.report("valid", valid, reader.probabilities(valid))


if __name__ == "__main__":
    main()
