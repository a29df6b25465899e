"""Model repositories as hubs hold them: real headers, random weights, no torch."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

from conch.models.patience import Patience

QUICK = Patience(probe=0.6, connect=2.0, stall=0.5, pause=0.01, tries=3, longest_wait=2.0, told_every=0.0)
"""Time-outs that keep tests short."""
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "vocab_size": 100,
}


def write_weights(file: Path, names: list[str], rows: int = 64, seed: int = 0) -> None:
    """A safetensors file of BF16 matrices of `rows` × 64."""
    size = rows * 64 * 2
    header = {
        name: {"dtype": "BF16", "shape": [rows, 64], "data_offsets": [i * size, (i + 1) * size]}
        for i, name in enumerate(names)
    }
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    body = random.Random(seed).randbytes(size * len(names))
    file.write_bytes(struct.pack("<Q", len(text)) + text + body)


def write_repo(folder: Path, shards: int = 1, rows: int = 4096, template: bool = True) -> Path:
    """A model of `shards` weight files, each of `rows` × 128 bytes twice (1 MB by default)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_text('{"version": "1.0"}')
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"chat_template": "{{ messages }}"} if template else {})
    )
    (folder / "generation_config.json").write_text("{}")
    placed = {}
    for number in range(1, shards + 1):
        name = "model.safetensors" if shards == 1 else f"model-{number:05}-of-{shards:05}.safetensors"
        tensors = [f"model.layers.{number - 1}.{part}.weight" for part in ("q_proj", "v_proj")]
        write_weights(folder / name, tensors, rows, seed=number)
        placed |= dict.fromkeys(tensors, name)
    if shards > 1:
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": placed}))
    return folder


def same_files(made: Path, served: Path, names: set[str] | None = None) -> bool:
    """Whether `made` holds exactly `names` (all of `served` unless given), byte for byte."""
    names = names or {path.name for path in served.iterdir()}
    found = {path.name for path in made.iterdir()}
    return found == names and all((made / n).read_bytes() == (served / n).read_bytes() for n in names)
