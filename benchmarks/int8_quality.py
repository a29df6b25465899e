"""What tuning on an int8 base costs in quality. `python -m benchmarks.int8_quality ROWS.json [ROWS.json ...]`

Tunes SmolLM2-135M on four fifths of each file, once in fp32 and once with the frozen weights in
int8, merges each adapter onto the base in full precision, and compares the losses on the other fifth
in fp32. The untuned base stands beside them. The model is asked for by `--model`, and must be here.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from conch.config import load_train
from conch.core import env
from conch.runs.log import EventLog

ALLOWED = 0.01
"""How much higher the loss may be, as a share of that after tuning in fp32."""
WAYS: dict[str, dict[str, Any]] = {"fp32": {}, "int8": {"quantization_bit": 8, "quantization_method": "int8"}}
ALWAYS = {"use_cpu": True, "bf16": False, "save_strategy": "no", "plot_loss": False, "seed": 1}


def main() -> int:
    """Measure and show; 1 where int8 costs more than is allowed."""
    asked = _arguments()
    env.bound_kernel_caches()
    costs = []
    for file in asked.rows:
        rows = json.loads(Path(file).read_text(encoding="utf-8"))[: asked.limit]
        losses = measure(rows, asked)
        costs.append(losses["int8"] / losses["fp32"] - 1)
        figures = "  ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
        print(f"{Path(file).name}, {len(rows)} rows: {figures}  int8 over fp32 {costs[-1]:+.2%}", flush=True)
    return 0 if all(cost <= ALLOWED for cost in costs) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.int8_quality", description=__doc__)
    parser.add_argument("rows", nargs="+", help="file of rows in a format that Conch reads")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--limit", type=int, default=400, help="rows of each file at most")
    parser.add_argument("--epochs", type=float, default=2)
    parser.add_argument("--rate", type=float, default=2e-4)
    return parser.parse_args()


def measure(rows: list[Any], asked: argparse.Namespace) -> dict[str, float]:
    """Losses on the held-out rows: of the base, and tuned each way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {"eval": rows[::5], "train": [row for number, row in enumerate(rows) if number % 5]}
        for part, chosen in parts.items():
            (folder / f"{part}.json").write_text(json.dumps(chosen), encoding="utf-8")
        common = {**ALWAYS, "model_name_or_path": asked.model, "dataset": str(folder / "train.json")}
        common |= {"num_train_epochs": asked.epochs, "learning_rate": asked.rate}
        losses = {"base": evaluate({**common, "max_steps": 1}, folder, None)}
        for way, settings in WAYS.items():
            train({**common, **settings}, folder / way)
            losses[way] = evaluate(common, folder, folder / way)
    return losses


def train(values: dict[str, Any], output: Path) -> None:
    from conch.training.job import Job, train

    output.mkdir()
    config = load_train(values={**values, "output_dir": str(output)}).config
    train(Job(config, output, EventLog(output / "events.jsonl")))


def evaluate(values: dict[str, Any], folder: Path, adapter: Path | None) -> float:
    """Mean loss over the labels of the held-out rows, in fp32, with the adapter merged."""
    from conch.training.job import Job, lay_ground, make_trainer, prepare_data

    values = {**values, "eval_dataset": str(folder / "eval.json"), "output_dir": str(folder / "evaluation")}
    if adapter is not None:  # a new one on top changes nothing until it is trained
        values |= {"adapter_name_or_path": str(adapter), "create_new_adapter": True}
    job = Job(load_train(values=values).config, folder, EventLog(folder / "events.jsonl"))
    ground = lay_ground(job.config)
    trainer = make_trainer(job, ground, prepare_data(job, ground))
    with trainer.packing():
        return float(trainer.evaluate()["eval_loss"])


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
