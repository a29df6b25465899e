"""How well `conch train --dry-run` foretells memory. `python -m benchmarks.memory_estimate`

Trains SmolLM2-135M a few steps in each of twelve settings, each in a worker process of its own on
the CPU, and compares the peak of that process's resident memory (VmHWM, so on Linux only) with the
estimate that was made before. A few steps show what many will: the heaviest micro batch is computed
before the first one. The model is asked for by `--model`, and must be here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.speed.drivers.light import peak
from conch.config import load_train
from conch.config.model import ModelConfig
from conch.core import env
from conch.models.locate import Request, locate
from conch.runs import store
from conch.training import lean
from conch.worker import execute

STEPS = 6
SECONDS = 900
ALLOWED = 0.15
CHECKPOINTED = {"gradient_checkpointing": True, "disable_gradient_checkpointing": False}
GRID: list[dict[str, Any]] = [
    {"bf16": True, "per_device_train_batch_size": 8},
    {"bf16": True, "per_device_train_batch_size": 16},
    {"bf16": True, "per_device_train_batch_size": 1, "packing": True, "cutoff_len": 1024},
    {"bf16": True, "per_device_train_batch_size": 8, "lora_rank": 64},
    {"bf16": True, "per_device_train_batch_size": 16, **CHECKPOINTED},
    {"bf16": True, "per_device_train_batch_size": 8, "finetuning_type": "full"},
    {"bf16": False, "per_device_train_batch_size": 8},
    {"bf16": False, "per_device_train_batch_size": 2},
    {"bf16": False, "per_device_train_batch_size": 2, "packing": True, "cutoff_len": 512},
    {"bf16": False, "per_device_train_batch_size": 4, "lora_rank": 64},
    {"bf16": False, "per_device_train_batch_size": 8, **CHECKPOINTED},
    {"bf16": False, "per_device_train_batch_size": 4, "finetuning_type": "full"},
]
ALWAYS = {
    "dataset": "magic_conch",
    "use_cpu": True,
    "do_eval": False,
    "save_strategy": "no",
    "plot_loss": False,
}


def main() -> int:
    """Measure and show; 1 where an estimate is off by more than is allowed."""
    env.bound_kernel_caches()  # as a worker does, before torch is at work
    asked = _arguments()
    if asked.child:
        print(json.dumps(child(json.loads(asked.child))))
        return 0
    rows = []
    for row in measure(asked.model, asked.steps, asked.only):
        rows.append(row)
        show(row)
    if asked.json:
        Path(asked.json).write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return 0 if all(abs(row["ratio"] - 1) <= ALLOWED for row in rows) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_estimate", description=__doc__)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", type=int, action="append", help="number of a setting, from 0")
    parser.add_argument("--json", help="file for the figures")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(model: str, steps: int, only: list[int] | None) -> Iterator[dict[str, Any]]:
    """Settings, estimate, measured bytes and their ratio, one setting after the other."""
    from conch.training.plan import make_plan  # heavy: a child must import it as a worker does

    folder = str(locate(Request.of(ModelConfig(model_name_or_path=model))).folder)
    for number, settings in enumerate(GRID):
        if only and number not in only:
            continue
        values = {**ALWAYS, **settings, "model_name_or_path": folder, "max_steps": steps}
        plan = make_plan(load_train(values=values).config)
        memory = plan.to_dict()["memory"]
        measured = run_child(values)
        yield {
            "settings": settings,
            "memory": memory,
            "estimate": memory["total"],
            "measured": measured,
            "ratio": memory["total"] / measured,
        }


def run_child(values: dict[str, Any]) -> int:
    """Peak bytes of a process that trains so."""
    with tempfile.TemporaryDirectory() as home:  # its runs are nobody's
        command = [sys.executable, "-m", "benchmarks.memory_estimate", "--child", json.dumps(values)]
        settings = env.child_environment(CONCH_HOME=home, **env.tensor_malloc())
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, env=settings
        )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return int(json.loads(done.stdout.splitlines()[-1])["peak"])


def child(values: dict[str, Any]) -> dict[str, int]:
    """Train in this process, which has imported nothing heavy yet, the heaviest micro batch first."""
    with tempfile.TemporaryDirectory() as folder:
        run = store.create(load_train(values={**values, "output_dir": f"{folder}/output"}).config)
        with lean.imports(run.config()):  # as a worker does
            from conch.training import room
        room.AMPLE = float("inf")
        ended_well = execute(run)
        error = run.summary()["error"]
    if not ended_well:
        raise SystemExit(str(error))
    return {"peak": peak() or 0}


def show(row: dict[str, Any]) -> None:
    settings = " ".join(f"{key}={value}" for key, value in row["settings"].items())
    print(
        f"estimate {row['estimate'] / 1e9:5.2f} GB  measured {row['measured'] / 1e9:5.2f} GB  "
        f"ratio {row['ratio']:4.2f}  {settings}",
        flush=True,
    )


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
