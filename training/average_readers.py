#!/usr/bin/env python3
"""Averages readers that were trained from one start, with other seeds or one from the other: the mean of their updates, brought back
to one's rank by the singular values (Wortsman et al. 2022, "Model soups"). One that is named twice counts twice.

usage: average_readers.py ONE.pt ANOTHER.pt ... --rank 32 --out reader.pt
"""
import argparse

import torch


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("states", nargs="+")
    a.add_argument("--rank", type=int, default=32)
    a.add_argument("--out", required=True)
    a = a.parse_args()
    states = [torch.load(path) for path in a.states]
    out, kept, total = {}, 0.0, 0.0
    for key in states[0]:
        name, side = key.rsplit(".", 1)
        if side == "a":
            update = sum(s[f"{name}.b"].float() @ s[key].float() for s in states) / len(states)
            u, values, v = torch.linalg.svd(update, full_matrices=False)
            root = values[:a.rank].sqrt()
            out[f"{name}.b"], out[key] = (u[:, :a.rank] * root).half(), (root[:, None] * v[:a.rank]).half()
            kept, total = kept + float((values[:a.rank] ** 2).sum()), total + float((values ** 2).sum())
    print(f"{len(states)} readers; of the squared mean update {kept / total:.4f} is kept")
    torch.save(out, a.out)


if __name__ == "__main__":
    main()
