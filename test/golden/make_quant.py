#!/usr/bin/env python3
"""Golden dequantisation, by the Python package `gguf` (the numpy code of the GGUF project itself).

    pip install numpy gguf==0.19.0
    python3 test/golden/make_quant.py

Writes test/golden/quant/<type>.json: {type, origin, blocks, values}, base64 of the raw blocks and of little-endian f32.
Types that the package can quantise start with real quantised numbers; every type gets blocks of random bits with
scales that a real file could have, so that each bit of each field is used.
"""
import base64
import json
import os

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

# Where the f16 fields of a block are.
SCALES = {
    "F16": [], "BF16": [], "F32": [],
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quant")
rng = np.random.default_rng(7)

for name, offsets in SCALES.items():
    kind = GGMLQuantizationType[name]
    length, size = GGML_QUANT_SIZES[kind]
    parts = []
    if not name.endswith("_K"):
        numbers = rng.normal(0, 0.05, (4, max(length, 16))).astype(np.float32)
        parts.append(quantize(numbers, kind).view(np.uint8).reshape(-1, size))
    if offsets:
        blocks = rng.integers(0, 256, (4, size), dtype=np.uint8)
        for at in offsets:
            blocks[:, at : at + 2] = rng.normal(0, 0.01, (4, 1)).astype(np.float16).view(np.uint8)
        parts.append(blocks)
    blocks = np.concatenate(parts)
    values = dequantize(blocks.reshape(1, -1), kind).astype("<f4")
    with open(os.path.join(folder, f"{name}.json"), "w") as file:
        json.dump({
            "type": name,
            "origin": "gguf 0.19.0, gguf.quants.dequantize",
            "blocks": base64.b64encode(blocks.tobytes()).decode(),
            "values": base64.b64encode(values.tobytes()).decode(),
        }, file, indent=1)
        file.write("\n")
