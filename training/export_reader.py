#!/usr/bin/env python3
"""Writes the reader's adapter as GGUF: two half-precision tensors a matrix, as llama.cpp's loader wants them, and how many layers of the
starter are read through (`reader.block_count`). The matrices are trained as they lie in the starter's GGUF (rotary pairs
side by side), so nothing is permuted.

With `--reference` also what the model says, in single precision, of a few answers of the validation part, for a test that the
program's reader says the same.

usage: export_reader.py reader.pt models/reader.gguf [--reference tests/fixtures/reader-reference.json --gguf STARTER]
"""
import argparse
import json
import os

import gguf
import numpy as np
import torch

import reader_data
import train_reader

ALPHA_OF_RANK = 2.0   # as in training
CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "judge")


def write(state, path):
    layers = 1 + max(int(key.split(".")[0]) for key in state)
    rank = state[f"{layers - 1}.q.a"].shape[0]
    out = gguf.GGUFWriter(path, "llama")
    out.add_string("general.type", "adapter")
    out.add_string("general.name", "viva reader")
    out.add_string("general.license", "apache-2.0")
    out.add_string("adapter.type", "lora")
    out.add_float32("adapter.lora.alpha", ALPHA_OF_RANK * rank)
    out.add_uint32("reader.block_count", layers)
    names = {short: name for name, short in train_reader.MATRICES.items()}
    for key in sorted(state):
        layer, short, side = key.split(".")
        tensor = state[key].half().numpy()
        assert rank in tensor.shape and np.isfinite(tensor).all(), key
        out.add_tensor(f"blk.{layer}.{names[short]}.weight.lora_{side}", np.ascontiguousarray(tensor))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return layers, rank


def references(state, base, layers, rank):
    """Returns prompts of one answer a kind, with the logits of yes, no and wrong at the end of each branch."""
    reader = train_reader.Reader(base, rank=rank, alpha=ALPHA_OF_RANK * rank, first=0, layers=layers)
    reader.load(state)
    kinds = {}
    for item in reader_data.own_items(CORPUS, "valid") + reader_data.exam_items(CORPUS, "valid"):
        kinds.setdefault(item["kind"], item)
    out = []
    for kind in ("told", "medium", "wrong-subtle", "terse", "exam"):
        prefix, branches = reader_data.prompt(kinds[kind])
        with torch.no_grad():
            logits = reader.logits([kinds[kind]])
        out.append({"prefix": prefix, "branches": branches, "logits": [[round(v, 3) for v in row] for row in logits.tolist()]})
    return out


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("state")
    a.add_argument("out")
    a.add_argument("--reference")
    a.add_argument("--gguf")
    a = a.parse_args()
    state = torch.load(a.state)
    shape = write(state, a.out)
    if a.reference:
        with open(a.reference, "w", encoding="utf-8") as file:
            json.dump(references(state, a.gguf, *shape), file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
