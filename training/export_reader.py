#!/usr/bin/env python3
"""Writes the reader's adapter as GGUF: two half-precision tensors a matrix, as llama.cpp's loader wants them.

The matrices are trained as they lie in the starter's GGUF (rotary pairs side by side), so nothing is permuted.

usage: export_reader.py reader.pt models/reader.gguf
"""
import sys

import gguf
import numpy as np
import torch

import train_reader

ALPHA, RANK = 64.0, 32


def main():
    state = torch.load(sys.argv[1])
    out = gguf.GGUFWriter(sys.argv[2], "llama")
    out.add_string("general.type", "adapter")
    out.add_string("general.name", "viva reader")
    out.add_string("general.license", "apache-2.0")
    out.add_string("adapter.type", "lora")
    out.add_float32("adapter.lora.alpha", ALPHA)
    names = {short: name for name, short in train_reader.MATRICES.items()}
    for key in sorted(state):
        layer, short, side = key.split(".")
        tensor = state[key].half().numpy()
        assert RANK in tensor.shape and np.isfinite(tensor).all(), key
        out.add_tensor(f"blk.{layer}.{names[short]}.weight.lora_{side}", np.ascontiguousarray(tensor))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


if __name__ == "__main__":
    main()
