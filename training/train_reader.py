#!/usr/bin/env python3
"""Trains the reader: SmolLM2-135M with a LoRA adapter that says whether an answer makes a point.

The prompt puts question and answer first, so that all points of an answer fork from one prefix, in training (one packed
sequence with a block attention mask) as in llama.cpp (one KV prefix, one batch of branches). What is sought stands before the
answer: a model that reads from left to right then reads the answer with it in view.

    Question: ...\nPoint 1: ...\nAnswer: ...      <- shared; the answer in lower-case words without punctuation
    \nPoint: ...\nVerdict:          -> " yes" | " no" | " wrong"
    \nMistake: ...\nVerdict:        -> " yes" | " no"

On the processor everything is plain float32: about 300 tokens a second on two cores with AVX2, so an hour a pass. On a GPU
the frozen matrices and the products are bfloat16, the items of a step are padded into one batch, and every shape of batch is recorded as
a CUDA graph: 55,000 tokens a second in each of three runs side by side on an H100, where single calls gave 16,000. Needs the packages of
training/requirements.txt. `export_reader.py` writes the adapter as GGUF.

usage: train_reader.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --corpus training/judge [--public DIR] --phase public|own|all|closing
                       [--start reader.pt] (--minutes M | --passes N) [--device cuda] --out reader.pt
"""
import argparse
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
        low_a, low_b = a.to(x.dtype), b.to(x.dtype)
        flat, seen = gradient.reshape(-1, gradient.shape[-1]), x.reshape(-1, x.shape[-1])
        back = flat @ low_b
        return gradient @ merged, None, (ctx.scale * (back.T @ seen)).to(a.dtype), (ctx.scale * (flat.T @ (seen @ low_a.T))).to(b.dtype), None


@torch.compile(dynamic=True)
def normed(x, weight, eps: float):
    wide = x.float()
    return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + eps) * weight).to(x.dtype)


@torch.compile(dynamic=True)
def gated(gate, up):
    return F.silu(gate) * up


def turned(x, cos, sin):
    """Turns the pairs of x (..., heads, size): GGUF keeps the rotary pairs of q and k side by side, and so they stay."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


rotated = torch.compile(turned, dynamic=True)


def laid(packed, rows, width):
    """Returns a batch of `rows` rows of `width` tokens: ids, positions, owners (0 the prefix, n its nth branch, -1 nothing), and
    where in the flattened batch the branches end."""
    ids, positions, owner = (np.zeros((rows, width), np.int64) for _ in range(3))
    owner -= 1
    ends = []
    for row, (prefix, branches) in enumerate(packed):
        at = len(prefix)
        ids[row, :at], positions[row, :at], owner[row, :at] = prefix, range(at), 0
        for number, b in enumerate(branches, 1):
            ids[row, at:at + len(b)], owner[row, at:at + len(b)] = b, number
            positions[row, at:at + len(b)] = range(len(prefix), len(prefix) + len(b))
            at += len(b)
            ends.append(row * width + at - 1)
    return ids, positions, owner, np.array(ends)


class Steps:
    """Steps of training on a GPU without the processor in between: forward and backward of every shape of batch are recorded
    once as a CUDA graph and replayed. A shape is as many rows of a width (a multiple of 64 tokens) as give about `tokens`."""

    ENDS = 20   # branches an item has at most

    def __init__(self, reader, tokens):
        self.reader, self.tokens, self.shapes, self.pool, self.record = reader, tokens, {}, None, True
        for p in reader.parameters():
            p.grad = torch.zeros_like(p)

    def shape(self, packed):
        """Returns (rows, width) of the batch an item belongs in."""
        prefix, branches = packed
        width = -(-(len(prefix) + sum(map(len, branches))) // 64) * 64
        return max(1, self.tokens // width), width

    def batches(self, items, rng):
        """Returns the batches of one pass, as (shape, packed, items), in random order."""
        groups, out = {}, []
        items = list(items)
        rng.shuffle(items)
        for item in items:
            packed = self.reader.pack(item)
            groups.setdefault(self.shape(packed), []).append((packed, item))
        for (rows, width), group in groups.items():
            for at in range(0, len(group), rows):
                out.append(((rows, width), group[at:at + rows]))
        rng.shuffle(out)
        return out

    def arrays(self, shape, batch):
        """Returns a batch as arrays of its shape: what `laid` gives, then what `wanted` gives."""
        rows, width = shape
        ids, positions, owner, ends = laid([packed for packed, _ in batch], rows, width)
        most = rows * self.ENDS
        ends = np.concatenate([ends, np.zeros(most - len(ends), np.int64)])
        return ids, positions, owner, ends, *wanted([item for _, item in batch], rows, most)

    def loss(self, ids, positions, owner, ends, *labels):
        return loss_of(self.reader.forward(ids, positions, owner, ends) @ self.reader.embed[self.reader.answers].float().T, *labels)

    def run(self, tensors):
        torch._foreach_zero_([p.grad for p in self.reader.parameters()])
        loss = self.loss(*tensors)
        loss.backward()
        return loss.detach()

    def __call__(self, shape, batch):
        """Leaves the gradients of a batch in the parameters; returns its loss."""
        arrays = [torch.from_numpy(a) for a in self.arrays(shape, batch)]
        if not self.record:
            return self.run([a.to(self.reader.device) for a in arrays])
        if shape not in self.shapes:
            try:
                self.shapes[shape] = self.recorded(arrays)
            except RuntimeError as error:
                print("not recorded:", error, flush=True)
                self.record = False
                return self(shape, batch)
        graph, held, loss = self.shapes[shape]
        for mine, theirs in zip(held, arrays):
            mine.copy_(theirs.pin_memory(), non_blocking=True)
        graph.replay()
        return loss.clone()

    def recorded(self, arrays):
        """Returns the graph of a shape, the tensors it reads and the loss it leaves."""
        held = [a.to(self.reader.device) for a in arrays]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(2):
                self.run(held)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            loss = self.run(held)
        self.pool = self.pool or graph.pool()
        return graph, held, loss


class Reader:
    """The first `layers` of a Llama-architecture GGUF with LoRA on every matrix of the layers from `first` on; the LoRA matrices are float32, the
    others float32 on a processor and bfloat16 on a GPU."""

    def __init__(self, path, rank=32, alpha=64, first=0, layers=None, device="cpu"):
        file = gguf.GGUFReader(path)
        get = lambda key: file.fields[key].contents()
        self.heads, self.kv = get("llama.attention.head_count"), get("llama.attention.head_count_kv")
        self.layers, self.eps = layers or get("llama.block_count"), get("llama.attention.layer_norm_rms_epsilon")
        self.base, self.first, self.rank, self.scale = get("llama.rope.freq_base"), first, rank, alpha / rank
        self.kept = {}
        self.dropout = 0.0   # of what attention and feed-forward add to the stream, on a GPU
        self.device, self.dtype = device, torch.float32 if device == "cpu" else torch.bfloat16
        tensors = {t.name: torch.tensor(gguf.dequantize(t.data, t.tensor_type).astype(np.float32)).to(device) for t in file.tensors}
        tensors = {name: t if t.dim() == 1 else t.to(self.dtype) for name, t in tensors.items()}
        self.embed, self.norm = tensors["token_embd.weight"], tensors["output_norm.weight"]
        self.w = [{short: tensors[f"blk.{n}.{name}.weight"] for name, short in MATRICES.items()} for n in range(self.layers)]
        self.norms = [(tensors[f"blk.{n}.attn_norm.weight"], tensors[f"blk.{n}.ffn_norm.weight"]) for n in range(self.layers)]
        self.size = self.embed.shape[1] // self.heads
        torch.manual_seed(0)
        self.lora = {n: {short: (torch.nn.Parameter((torch.randn(rank, w.shape[1]) / math.sqrt(w.shape[1])).to(device)),
                                 torch.nn.Parameter(torch.zeros(w.shape[0], rank, device=device))) for short, w in self.w[n].items()}
                     for n in range(first, self.layers)}
        tokens = get("tokenizer.ggml.tokens")
        self.tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)},
                                        merges=[tuple(m.split(" ")) for m in get("tokenizer.ggml.merges")]))
        self.tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                          pre_tokenizers.ByteLevel(add_prefix_space=False)])
        self.answers = torch.tensor([self.encode(w)[0] for w in WORDS], device=device)
        self.bos = get("tokenizer.ggml.bos_token_id") if get_bool(file, "tokenizer.ggml.add_bos_token") else None

    def encode(self, text):
        return self.tok.encode(text).ids

    def parameters(self):
        return [p for layer in self.lora.values() for pair in layer.values() for p in pair]

    def state(self):
        """Returns the LoRA matrices in half precision, as they ship."""
        return self.kept | {f"{n}.{short}.{side}": p.detach().half().cpu() for n, layer in self.lora.items() for short, pair in layer.items()
                for side, p in zip("ab", pair)}

    def load(self, state):
        """Goes on from a state; what it has of layers below the first that is tuned stays as it is."""
        self.kept = {key: matrix for key, matrix in state.items() if int(key.split(".")[0]) < self.first}
        with torch.no_grad():
            for name in {key.rsplit(".", 1)[0] for key in self.kept}:
                n, short = name.split(".")
                a, b = (self.kept[f"{name}.{side}"].float().to(self.device) for side in "ab")
                self.w[int(n)][short] += (self.scale * b @ a).to(self.dtype)
            for n, layer in self.lora.items():
                for short, pair in layer.items():
                    for side, p in zip("ab", pair):
                        given = state.get(f"{n}.{short}.{side}")
                        if given is None:
                            continue   # an earlier phase left this layer as it was
                        if side == "b":
                            p.zero_()
                        p[:given.shape[0], :given.shape[1]] = given

    def pack(self, item):
        """Returns the tokens of an item's prefix and of each of its branches."""
        prefix, ends = reader_data.prompt(item)
        return ([self.bos] if self.bos is not None else []) + self.encode(prefix), [self.encode(end) for end in ends]

    def merged(self, n):
        if n < self.first:
            return self.w[n]
        with torch.no_grad():
            return {short: torch.addmm(w, self.lora[n][short][1].to(w.dtype), self.lora[n][short][0].to(w.dtype), alpha=self.scale)
                    for short, w in self.w[n].items()}

    def product(self, n):
        """Returns the function that multiplies by a matrix of layer n."""
        merged = self.merged(n)
        if n < self.first:
            return lambda x, short: x @ merged[short].T
        return lambda x, short: Lora.apply(x, merged[short], *self.lora[n][short], self.scale)

    def turns(self, positions):
        half = self.size // 2
        angle = positions.float()[..., None] / self.base ** (torch.arange(half, device=self.device) / half)
        return angle.cos().to(self.dtype)[..., None, :], angle.sin().to(self.dtype)[..., None, :]

    def padded(self, packed):
        """As `hidden`, with every item a row of one batch: on a GPU one large product is cheaper than many small ones."""
        width = -(-max(len(prefix) + sum(map(len, branches)) for prefix, branches in packed) // 16) * 16
        ids, positions, owner, ends = laid(packed, len(packed), width)
        ids, positions, owner, ends = (torch.from_numpy(t).to(self.device) for t in (ids, positions, owner, ends))
        return self.forward(ids, positions, owner, ends)

    def forward(self, ids, positions, owner, ends):
        """Returns the last hidden state at `ends` (places in the flattened batch) of a batch laid out by `laid`."""
        seen = (owner[:, :, None] == owner[:, None]) | (owner[:, None] == 0)
        seen = seen.tril()[:, None]
        cos, sin = self.turns(positions)
        drop = lambda x: F.dropout(x, self.dropout) if self.dropout and torch.is_grad_enabled() else x
        x = self.embed[ids]
        for n in range(self.layers):
            times = self.product(n)
            first, second = (norm.to(self.dtype) for norm in self.norms[n])
            with torch.set_grad_enabled(torch.is_grad_enabled() and n >= self.first):
                h = F.rms_norm(x, (x.shape[-1],), first, self.eps)
                q = turned(times(h, "q").view(*ids.shape, self.heads, self.size), cos, sin)
                k = turned(times(h, "k").view(*ids.shape, self.kv, self.size), cos, sin).repeat_interleave(self.heads // self.kv, 2)
                v = times(h, "v").view(*ids.shape, self.kv, self.size).repeat_interleave(self.heads // self.kv, 2)
                q, k, v = (t.transpose(1, 2) for t in (q, k, v))
                x = x + drop(times(F.scaled_dot_product_attention(q, k, v, attn_mask=seen).transpose(1, 2).flatten(2), "o"))
                h = F.rms_norm(x, (x.shape[-1],), second, self.eps)
                x = x + drop(times(F.silu(times(h, "g")) * times(h, "u"), "d"))
        return F.rms_norm(x.flatten(0, 1).index_select(0, ends).float(), (x.shape[-1],), self.norm, self.eps)

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
        cos, sin = self.turns(torch.tensor(positions))

        x = self.embed[torch.tensor(ids)]
        for n in range(self.layers):
            times = self.product(n)
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
        packed = [self.pack(item) for item in items]
        found = self.hidden(packed) if self.device == "cpu" else self.padded(packed)
        return found @ self.embed[self.answers].float().T

    def probabilities(self, items):
        """Returns one array of probabilities (branches x 3) an item."""
        out, size = [], 6 if self.device == "cpu" else 32
        with torch.no_grad():
            for i in range(0, len(items), size):
                rows = self.logits(items[i:i + size]).softmax(-1).cpu()
                at = 0
                for item in items[i:i + size]:
                    out.append(rows[at:at + len(item["branches"])].numpy())
                    at += len(item["branches"])
        return out


def get_bool(file, key):
    return bool(file.fields[key].contents()) if key in file.fields else False


def wanted(items, rows=None, most=None):
    """Returns what the branches of items should give, filled up to `rows` items and `most` branches: of every branch its targets (yes, no,
    wrong) and weight, and of every item the shares of its branches in its grade, the grade and whether there is one."""
    rows, most = rows or len(items), most or sum(len(item["branches"]) for item in items)
    target, weight = np.zeros((most, 3), np.float32), np.zeros(most, np.float32)
    share, grade, graded = np.zeros((rows, most), np.float32), np.full(rows, 0.5, np.float32), np.zeros(rows, np.float32)
    at = 0
    for row, item in enumerate(items):
        count = len(item["branches"])
        if item.get("score") is not None:
            parts = np.array([b["weight"] for b in item["branches"]])
            share[row, at:at + count], grade[row], graded[row] = parts / parts.sum(), item["score"], 1
        else:
            target[at:at + count], weight[at:at + count] = [b["target"] for b in item["branches"]], 1 / count ** 0.5
        at += count
    return target, weight, share, grade, graded


def loss_of(logits, target, weight, share, grade, graded):
    """The cross entropy with the labels; where only a whole answer was graded, of the weighted mean of its points. For the
    arguments but the logits see `wanted`."""
    logs = logits.log_softmax(-1)
    total = -(weight[:, None] * logs * target).sum()
    mean = (share @ logs[:, 0].exp()).clamp(1e-4, 1 - 1e-4)
    total = total - (graded * (grade * mean.log() + (1 - grade) * (1 - mean).log())).sum()
    return total / (weight.sum() + graded.sum())


def steps_of(reader, items, tokens, rng):
    """Returns the batches of one pass with their sizes, of about `tokens` tokens each."""
    items = list(items)
    rng.shuffle(items)
    batches, batch, size = [], [], 0
    for item in items:
        prefix, branches = reader.pack(item)
        batch.append(item)
        size += len(prefix) + sum(map(len, branches))
        if size >= tokens:
            batches.append((batch, size))
            batch, size = [], 0
    if batch:
        batches.append((batch, size))
    return batches


def train(reader, items, tokens, rate, length, seed, final, out=None, each=None, decay=0.0):
    """Goes through `items` in random order, some `tokens` a step; the rate falls to `final` of its peak. `length` is
    ("minutes", of processor time a thread, on a GPU of wall time) or ("passes", n). Keeps what there is in `out` every ten
    steps on a processor, and calls `each` after each pass. With a `decay` the parameters end as their exponential mean over
    the steps."""
    params = reader.parameters()
    opt = torch.optim.AdamW(params, lr=rate, weight_decay=0.01, betas=(0.9, 0.98), fused=reader.device != "cpu")
    means = [p.detach().clone() for p in params] if decay else None
    rng, begun, step, losses, seen, passes, done = random.Random(seed), time.time(), 0, [], 0, 0, 0.0
    # Processor time, so that a run may be stopped and continued while the machine is wanted for something else.
    clock = (lambda: time.process_time() / torch.get_num_threads()) if reader.device == "cpu" else time.time
    used = clock()
    steps = Steps(reader, tokens) if reader.device != "cpu" else None
    while done < 1:
        whole = items(passes)
        batches = steps.batches(whole, rng) if steps else steps_of(reader, whole, tokens, rng)
        passes += 1
        print(f"pass {passes}: {len(whole)} items", flush=True)
        for at, (batch, rest) in enumerate(batches):
            done = (clock() - used) / (length[1] * 60) if length[0] == "minutes" else (passes - 1 + at / len(batches)) / length[1]
            if done >= 1:
                break
            for g in opt.param_groups:
                g["lr"] = rate * min(1, (step + 1) / 15) * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * done)))
            if steps:
                loss = steps(batch, rest)
                size = sum(len(prefix) + sum(map(len, ends)) for (prefix, ends), _ in rest)
            else:
                loss, size = loss_of(reader.logits(batch), *map(torch.from_numpy, wanted(batch))), rest
                opt.zero_grad()
                loss.backward()
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            opt.step()
            if decay:
                torch._foreach_lerp_(means, [p.detach() for p in params], 1 - min(decay, (1 + step) / (10 + step)))
            losses.append(loss.detach())
            seen += size
            step += 1
            if step % (10 if reader.device == "cpu" else 100) == 0:
                if out and reader.device == "cpu":
                    torch.save(reader.state(), out)
                took = time.time() - begun
                print(f"step {step} loss {torch.stack(losses[-50:]).mean():.3f} {took:.0f}s {seen / took:.0f} tokens/s, {seen} tokens", flush=True)
        else:
            done = passes / length[1] if length[0] == "passes" else done
        if each:
            kept = [p.detach().clone() for p in params]
            if decay:
                put(params, means)
            each(passes)
            put(params, kept)
    if decay:
        put(params, means)
    print(f"{step} steps, {passes} passes, {seen} tokens in {time.time() - begun:.0f} s", flush=True)


def put(params, values):
    with torch.no_grad():
        for p, value in zip(params, values):
            p.copy_(value)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--gguf", required=True)
    a.add_argument("--corpus", required=True)
    a.add_argument("--public")
    a.add_argument("--phase", choices=("public", "own", "all", "closing"), required=True)
    a.add_argument("--start", help="an adapter of an earlier phase to go on from")
    a.add_argument("--rate", type=float, default=6e-4)
    a.add_argument("--final", type=float, default=0.05, help="share of the rate that is left at the end")
    a.add_argument("--tokens", type=int, default=2400, help="tokens of a step")
    length = a.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float)
    length.add_argument("--passes", type=int)
    a.add_argument("--device", default="cpu")
    a.add_argument("--rank", type=int, default=32)
    a.add_argument("--first", type=int, default=0, help="the first layer that is tuned")
    a.add_argument("--layers", type=int, help="read with so many layers only")
    a.add_argument("--decay", type=float, default=0.0, help="of the exponential mean of the parameters over the steps, which is kept in their stead")
    a.add_argument("--dropout", type=float, default=0.0, help="on a GPU")
    a.add_argument("--share", type=float, default=0.25, help="items of public sets to one of the corpus's, in phase all")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--times", type=float, default=1.0, help="size of a pass over public sets, phase public")
    a.add_argument("--threads", type=int, default=os.cpu_count())
    a.add_argument("--out", required=True)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    reader = Reader(a.gguf, rank=a.rank, alpha=2 * a.rank, first=a.first, layers=a.layers, device=a.device)
    reader.dropout = a.dropout
    if a.start:
        reader.load(torch.load(a.start))
    if a.phase == "public":
        items = lambda n: reader_data.public_items(a.public, a.seed + n, a.times)
    elif a.phase == "closing":
        items = lambda n: reader_data.closing_pass(a.corpus, a.public, seed=a.seed + n)
    elif a.phase == "own":
        items = lambda n: reader_data.training_items(a.corpus, a.public, seed=a.seed + n)
    else:
        items = lambda n: reader_data.whole_pass(a.corpus, a.public, seed=a.seed + n, share=a.share)
    valid = reader_data.own_items(a.corpus, "valid") + reader_data.exam_items(a.corpus, "valid")

    def measured(passes):
        torch.save(reader.state(), a.out)
        reader_data.report(f"valid after {passes}", valid, reader.probabilities(valid))

    length = ("passes", a.passes) if a.passes else ("minutes", a.minutes)
    train(reader, items, a.tokens, a.rate, length, a.seed, a.final, a.out, measured if a.device != "cpu" else None, a.decay)
    torch.save(reader.state(), a.out)
    reader_data.report("valid", valid, reader.probabilities(valid))


if __name__ == "__main__":
    main()
