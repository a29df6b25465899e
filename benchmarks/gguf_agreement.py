"""How often a GGUF file finds the same next token likeliest as the model that it was made from.

Text of the bundled dataset, English and Chinese, is read position by position by transformers (fp32)
and by llama.cpp. Fails where f16 agrees on less than 99 % or q8_0 on less than 97 % of positions.

    python -m benchmarks.gguf_agreement MODEL_FOLDER [--positions 2000]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from conch.exporting.llamacpp import LlamaCpp
from conch.models.gguf import write_model

LEAST = {"f16": 0.99, "q8_0": 0.97}
BLOCK = 256
BUNDLED = Path(__file__).parents[1] / "src" / "conch" / "data" / "bundled" / "magic_conch.json"


def blocks(folder: Path, positions: int) -> list[list[int]]:
    """Token ids of the text, cut into blocks, `positions` in all."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.encode(BUNDLED.read_text(encoding="utf-8"), add_special_tokens=False)[:positions]
    return [ids[at : at + BLOCK] for at in range(0, len(ids), BLOCK)]


def likeliest(folder: Path, parts: list[list[int]]) -> list[int]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return [int(token) for part in parts for token in model(torch.tensor([part])).logits[0].argmax(-1)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--positions", type=int, default=2000)
    asked = parser.parse_args()
    parts = blocks(asked.folder, asked.positions)
    wanted = likeliest(asked.folder, parts)
    failed = False
    for kind, least in LEAST.items():
        with tempfile.TemporaryDirectory() as place:
            file = write_model(asked.folder, Path(place) / "model.gguf", kind).file
            with LlamaCpp(file) as reader:
                found = [
                    reader.likeliest(part[: at + 1], 1)[0][0] for part in parts for at in range(len(part))
                ]
        share = sum(a == b for a, b in zip(wanted, found, strict=True)) / len(wanted)
        print(f"{kind}: {share:.2%} of {len(wanted)} positions (at least {least:.0%})", flush=True)
        failed |= share < least
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
