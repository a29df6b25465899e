"""How fast LoRA trains, here and elsewhere, and how near to the machine's limit.

    python -m benchmarks.train_speed --data FOLDER

The same model, rows, rank, batch tokens and learning rate are given to Conch, to LLaMA-Factory 0.9.5
and to TRL's SFTTrainer, all in processes of their own, in turn (A B A B), one epoch in the order of
the file. FOLDER holds identity.json and alpaca_en_demo.json. The peers' environments are made from
PyPI where they are not there, and kept. Beside it the machine's matrix products at the model's shapes
are timed, and the start of `conch train` and `llamafactory-cli train`. Where a claim does not hold, the
exit code is 1. All runs use the CPU, and oneDNN is held to AVX-512 with VNNI unless `--amx` is given.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.speed import report
from benchmarks.speed.peers import PEERS_FOLDER, python_of
from benchmarks.speed.products import measured
from benchmarks.speed.runs import NO_AMX, Place, Steps, child_environment, train
from benchmarks.speed.settings import SETTINGS, why_not
from benchmarks.speed.starts import starts
from benchmarks.speed.task import ROW_SETS, Task, find_model, make_task, write_models
from conch.core import env
from conch.models.hardware import cpu_flags

MODEL, ROUNDS, SECONDS, QUICK_SECONDS = "smollm2-135m", 3, 300.0, 20.0
PARTS = ("speed", "start")


def main() -> int:
    """Measure all that is asked for; 1 where a claim does not hold."""
    asked = _arguments()
    env.quiet_libraries()
    names = list(runnable(asked.only or SETTINGS))
    model = find_model(asked.model)
    for tool in {SETTINGS[name].tool for name in names} | (
        {"llamafactory"} if "start" in asked.parts else set()
    ):
        python_of(tool, asked.peers)
    figures: dict[str, Any] = {"machine": tell_machine(asked)}
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        place = Place(
            asked.peers, write_models(model, folder / "models"), child_environment(folder, not asked.amx)
        )
        verdicts = []
        if "speed" in asked.parts:
            for name in asked.rows:
                task = make_task(name, asked.data, folder / name, model, asked.quick)
                verdicts += compare(task, names, place, asked, figures)
        if "start" in asked.parts:
            print("\nFrom the command to the first step:")
            figures["start"] = starts(place, folder / "start", asked.rounds + 1)
            verdicts += tell(report.start_lines(figures["start"]))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0 if all(verdicts) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train_speed", description="Speed of LoRA.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the two files of rows")
    parser.add_argument("--model", default=MODEL, help=f"name or folder of a model (default {MODEL})")
    parser.add_argument("--peers", type=Path, default=PEERS_FOLDER, help="folder of the environments")
    parser.add_argument("--rows", nargs="+", choices=ROW_SETS, default=list(ROW_SETS), help="sets of rows")
    parser.add_argument("--only", nargs="+", choices=SETTINGS, metavar="NAME", help=", ".join(SETTINGS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each (default {ROUNDS})")
    parser.add_argument(
        "--seconds", type=float, help=f"stop a training behind so many (default {SECONDS:.0f}; 0: never)"
    )
    parser.add_argument("--quick", action="store_true", help="half of the rows, one round, 20 seconds")
    parser.add_argument("--amx", action="store_true", help="let every tool use AMX and bf16 instructions")
    parser.add_argument("--json", type=Path, help="file for the figures")
    asked = parser.parse_args()
    asked.rounds = 1 if asked.quick else max(1, asked.rounds)
    if asked.seconds is None:
        asked.seconds = QUICK_SECONDS if asked.quick else SECONDS
    asked.peers = asked.peers.absolute()
    return asked


def runnable(names: Iterable[str]) -> Iterator[str]:
    """The settings that this Conch has. What is skipped is said."""
    for name in names:
        reason = why_not(SETTINGS[name])
        if reason is None:
            yield name
        else:
            print(f"Skipped: {SETTINGS[name].title}. This Conch does not take it: {reason}")


def tell_machine(asked: argparse.Namespace) -> dict[str, Any]:
    """What the figures are worth without."""
    flags = sorted(cpu_flags() & {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"})
    held = "AMX allowed" if asked.amx else " ".join("=".join(pair) for pair in NO_AMX.items())
    print(f"{platform.platform()}, {platform.machine()}, {' '.join(flags)}; {held}")
    return {"platform": platform.platform(), "flags": flags, "held": not asked.amx}


def compare(
    task: Task, names: list[str], place: Place, asked: argparse.Namespace, figures: dict[str, Any]
) -> list[bool]:
    """All settings on one set of rows, in turn; whether each claim holds."""
    print(f"\n{task.name}: {len(task.lengths)} rows, medians of {asked.rounds} rounds", flush=True)
    runs: dict[str, list[Steps]] = {name: [] for name in names}
    limits: list[dict[str, float]] = []
    kinds = sorted({"fp32", *(SETTINGS[name].multiplies for name in names)})
    for number in range(asked.rounds):
        limits.append(measured(place.models / "fp32", batch_shape(task), kinds, place.environment))
        for name in names:
            run = train(SETTINGS[name], task, place, asked.seconds)
            runs[name].append(run)
            told = f"{run.rate():.1f} tok/s, {run.seconds:.1f} s, other processes {run.others:.0%}"
            print(f"  round {number + 1}, {name}: {told}", flush=True)
    products = {key: statistics.median(one[key] for one in limits) for key in limits[0]}
    figures[task.name] = {
        "products": limits,
        **{name: [asdict(run) for run in found] for name, found in runs.items()},
    }
    for line in (
        *report.table(task, runs, products),
        *report.product_lines(products, next(iter(runs.values()))[0]),
    ):
        print(line)
    return tell(report.claims(runs, products))


def batch_shape(task: Task) -> tuple[int, int]:
    """Tokens and labels of a batch; about two thirds of the tokens of such rows are trained."""
    return task.batch_tokens(), round(task.batch_tokens() * 0.7)


def tell(verdicts: Iterable[tuple[str, bool]]) -> list[bool]:
    """Print what was found, and mark what does not hold."""
    found = list(verdicts)
    print()
    for words, holds in found:
        print(f"{'    ' if holds else 'NOT '}{words}")
    return [holds for _, holds in found]


if __name__ == "__main__":
    sys.exit(main())
