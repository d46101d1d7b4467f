#!/usr/bin/env python3
"""Writes the matcher: its encoder as GGUF with matrices in Q8_0, and its head as JSON.

Names and metadata are those of the embedder's GGUF, whose weights were tuned.

usage: export_matcher.py matcher.pt models/all-MiniLM-L6-v2.f16.gguf models/matcher.gguf models/matcher.json models/matcher.sha256
"""
import hashlib
import json
import sys

import gguf
import numpy as np
import torch

LAYER = {"attn_q": "attention.self.query", "attn_k": "attention.self.key", "attn_v": "attention.self.value", "attn_output": "attention.output.dense",
         "attn_output_norm": "attention.output.LayerNorm", "ffn_up": "intermediate.dense", "ffn_down": "output.dense", "layer_output_norm": "output.LayerNorm"}
TOP = {"token_embd": "embeddings.word_embeddings", "position_embd": "embeddings.position_embeddings", "token_types": "embeddings.token_type_embeddings",
       "token_embd_norm": "embeddings.LayerNorm"}


def name_of(tensor):
    """Returns the name in the trained state of a tensor of the GGUF."""
    parts = tensor.split(".")
    if parts[0] == "blk":
        return f"bert.encoder.layer.{parts[1]}.{LAYER[parts[2]]}.{parts[3]}"
    return f"bert.{TOP[parts[0]]}.{parts[1]}"


def main():
    state, base = torch.load(sys.argv[1]), gguf.GGUFReader(sys.argv[2])
    out = gguf.GGUFWriter(sys.argv[3], "bert")
    for key, field in base.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.name", "general.file_type"):
            continue
        kind = field.types[0]
        out.add_key_value(key, field.contents(), kind, field.types[1] if kind == gguf.GGUFValueType.ARRAY else None)
    out.add_string("general.name", "viva matcher")
    out.add_string("general.license", "apache-2.0")
    out.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for tensor in base.tensors:
        values = state[name_of(tensor.name)].numpy().astype(np.float32)
        assert list(values.shape)[::-1] == list(tensor.shape) and np.isfinite(values).all(), tensor.name
        if tensor.tensor_type == gguf.GGMLQuantizationType.F32:
            out.add_tensor(tensor.name, values)
        else:
            out.add_tensor(tensor.name, gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    with open(sys.argv[3], "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    numbers = lambda name: [round(float(x), 5) for x in state[name].flatten()]
    head = {"sha256": digest, "gate": numbers("gate.weight"), "gate_bias": numbers("gate.bias")[0], "point": numbers("point"), "mistake": numbers("mistake"), "reference": numbers("reference")}
    with open(sys.argv[4], "w", encoding="utf-8") as file:
        json.dump(head, file, separators=(",", ":"))
        file.write("\n")
    with open(sys.argv[5], "w", encoding="utf-8") as file:
        file.write(digest)


if __name__ == "__main__":
    main()
