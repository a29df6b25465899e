"""Rows and model files that every tool is given, and what is to be done with them."""

from __future__ import annotations

import json
import math
import random
import shutil
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.settings import BATCH, LEARNING_RATE, RANK, Setting
from conch.core import env

ROW_SETS = {
    "mixed": {"identity.json": 40, "alpaca_en_demo.json": 40},
    "alpaca": {"alpaca_en_demo.json": 200},
}
"""Name to how many rows are taken of the beginning of each file."""
QUICK_SHARE = 0.5
COLUMNS = ("instruction", "input", "output")
TEMPLATE = "smollm2"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
"""What the model's own chat template puts first; LLaMA-Factory's differs in a full stop."""


@dataclass(frozen=True)
class Task:
    """`folder` holds everything; `rows` is a JSON file of rows in the alpaca form."""

    name: str
    folder: Path
    rows: Path
    lengths: tuple[int, ...]
    tail: tuple[int, int | None]
    """The end-of-turn token, and what the chat template puts behind the last one, which nobody trains."""

    def batch_tokens(self) -> int:
        """Real tokens of a batch on average."""
        return round(BATCH * statistics.mean(self.lengths))

    def packed_shape(self) -> tuple[int, int]:
        """Rows of a packed batch and their `cutoff_len`: as many tokens as in any batch.

        As short as the longest text allows, since attention across what is packed together is lost
        labour. LLaMA-Factory fails where it is no multiple of 8, and leaves one place empty.
        """
        longest = max(self.lengths)
        rows = max(1, self.batch_tokens() // longest)
        width = max(longest, math.ceil(self.batch_tokens() / rows)) + 1
        return rows, math.ceil(width / 8) * 8

    def job(self, setting: Setting, models: Path, seconds: float) -> dict[str, Any]:
        """What a driver is told; its result is read from `result`."""
        batch, cutoff = self.packed_shape() if setting.packs else (BATCH, max(self.lengths) + 1)
        return {
            "model": str(models / setting.file),
            "rows": str(self.rows),
            "batch": batch,
            "cutoff": cutoff,
            "rank": RANK,
            "learning_rate": LEARNING_RATE,
            "template": TEMPLATE,
            "system": SYSTEM,
            "tail": list(self.tail),
            "seconds": seconds,
            "options": setting.options,
            "output": str(self.folder / "output"),
            "result": str(self.folder / "result.json"),
        }


def make_task(name: str, data: Path, folder: Path, model: Path, quick: bool) -> Task:
    """The rows of a set, mixed once, with the description that LLaMA-Factory and Conch read."""
    rows = []
    for file, count in ROW_SETS[name].items():
        found = json.loads((data / file).read_text(encoding="utf-8"))
        rows += found[: round(count * QUICK_SHARE) if quick else count]
    random.Random(0).shuffle(rows)
    chats = tokenised(rows, model)
    lengths = tuple(map(len, chats))
    return Task(name, folder, write_rows(folder, name, rows), lengths, tail_of(chats))


def write_rows(folder: Path, name: str, rows: list[dict[str, str]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    kept = [{column: row.get(column) or "" for column in COLUMNS} for row in rows]
    file.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({name: {"file_name": file.name}}), encoding="utf-8")
    return file


def tokenised(rows: list[dict[str, str]], model: Path) -> list[list[int]]:
    """Token ids of each row under the model's chat template."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)

    def ids(row: dict[str, str]) -> list[int]:
        asked = "\n".join(filter(None, (row["instruction"], row.get("input"))))
        chat = [{"role": "user", "content": asked}, {"role": "assistant", "content": row["output"]}]
        found: list[int] = tokenizer.apply_chat_template(chat, tokenize=True, return_dict=True)["input_ids"]
        return found

    return [ids(row) for row in rows]


def tail_of(chats: list[list[int]]) -> tuple[int, int | None]:
    """The last two tokens where all rows end with them; else the last alone is the end of a turn."""
    ends = {tuple(ids[-2:]) for ids in chats}
    if len(ends) == 1:
        end, tail = ends.pop()
        return end, tail
    return chats[0][-1], None


def find_model(name: str) -> Path:
    """The folder of a model by path, or by name among Conch's."""
    for folder in (Path(name), env.home() / "models" / name):
        if (folder / "config.json").is_file():
            return folder.absolute()
    raise SystemExit(f"No model {name} here. Get the starter with: conch models pull smollm2-135m")


def write_models(model: Path, folder: Path) -> Path:
    """The model rounded to bf16, in a file of each dtype: all tools train the very same numbers."""
    import torch
    from safetensors.torch import load_file, save_file

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config.pop("torch_dtype", None)
    files = sorted(model.glob("*.safetensors"))
    for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        target = folder / name
        target.mkdir(parents=True)
        for file in model.iterdir():
            if file.suffix in {".json", ".jinja", ".txt", ".model"}:
                shutil.copy(file, target)
        for file in files:
            tensors = {key: tensor.bfloat16().to(dtype) for key, tensor in load_file(file).items()}
            save_file(tensors, target / file.name, metadata={"format": "pt"})
        told = {**config, "dtype": str(dtype).removeprefix("torch.")}
        (target / "config.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
    return folder
