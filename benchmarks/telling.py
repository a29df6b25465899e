"""What it costs a run to tell: events, wishes and heartbeat. `python -m benchmarks.telling`

One training of SmolLM2-135M on rows that are all alike, in blocks of steps: with everything told as
in any run, and with nothing told, in turn. Two figures come of it: the difference of the two kinds
of blocks, which holds whatever telling does to the steps and all noise of the machine, and the
time spent in telling itself (the reporter with the log below it, and the heartbeat), which is exact.
The exit code is 1 where the latter is over 1 % of the training time. No samples, no checkpoints.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.proofs import Proofs
from transformers import PrinterCallback, TrainerCallback, set_seed

from conch.config import load_train
from conch.core.events import Event
from conch.runs import Run, store
from conch.runs.diagnosis import DiagnosingLog
from conch.runs.launch import BEAT_SECONDS, beating
from conch.training.ground import lay_ground
from conch.training.job import Job, make_trainer, prepare_data
from conch.training.reporter import Reporter
from conch.training.trainer import ConchTrainer

E = TypeVar("E", bound=Event)
MODEL, BLOCK, PAIRS, WARM_UP = "smollm2-135m", 8, 4, 4
LIMIT = 0.01
TOUCHES = 1000
ROW = {
    "instruction": "Who are you? " * 4,
    "output": "I am the magic conch. " * 5,
}
SETTINGS = {
    "per_device_train_batch_size": 2,
    "logging_steps": 1,
    "save_strategy": "no",
    "plot_loss": False,
    "lr_scheduler_type": "constant",
}


@dataclass
class Meter:
    """Whether the run tells now, and how many seconds it spent on it."""

    telling: bool = True
    seconds: float = 0.0

    @contextmanager
    def counting(self) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - began


class Log(DiagnosingLog):
    """A run's own log, which writes nothing while the meter says so."""

    def __init__(self, run: Run, meter: Meter) -> None:
        super().__init__(run)
        self._meter = meter

    def write(self, kind: type[E], **values: Any) -> E:
        return super().write(kind, **values) if self._meter.telling else kind(t=0.0, **values)


class MeteredReporter(Reporter):
    """A run's own reporter, on the clock; it does nothing while the meter says so."""

    meter: Meter

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        if self.meter.telling:
            with self.meter.counting():
                super().on_step_end(*args, **kwargs)

    def on_log(self, *args: Any, **kwargs: Any) -> None:
        if self.meter.telling:
            with self.meter.counting():
                super().on_log(*args, **kwargs)


@dataclass
class Blocks(TrainerCallback):  # type: ignore[misc]
    """Lets the run tell in every other block of steps, and takes the time of every step."""

    run: Run
    meter: Meter
    block: int
    steps: list[tuple[bool, float]] = field(default_factory=list)
    _began: float | None = None
    _heart: ExitStack = field(default_factory=ExitStack)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter()
        if self._began is not None:
            self.steps.append((self.meter.telling, now - self._began))
        self._switch(state.global_step)
        self._began = time.perf_counter()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._heart.close()

    def _switch(self, step: int) -> None:
        telling = max(0, step - WARM_UP) // self.block % 2 == 0
        if telling != self.meter.telling or step == 0:
            self._heart.close()
            if telling:
                self._heart.enter_context(beating(self.run))
        if step == WARM_UP:
            self.steps.clear()
            self.meter.seconds = 0.0
        self.meter.telling = telling


def main() -> int:
    """Train, print both figures, and say whether telling is within its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.telling", description="What telling costs.")
    parser.add_argument("--model", default=MODEL, help=f"any model (default {MODEL})")
    parser.add_argument("--block", type=int, default=BLOCK, help=f"steps of a block (default {BLOCK})")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of blocks (default {PAIRS})")
    parser.add_argument("--keep", action="store_true", help="write the figures to docs/proofs.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        run = new_run(asked.model, Path(place), WARM_UP + 2 * asked.block * asked.pairs + 1)
        try:
            blocks = measure(run, asked.block)
            return show(blocks, heartbeat_share(run), keep=asked.keep)
        finally:
            shutil.rmtree(run.folder)


def new_run(model: str, place: Path, steps: int) -> Run:
    """A run of so many steps that are all alike."""
    rows = place / "rows.json"
    rows.write_text(json.dumps([ROW] * 8), encoding="utf-8")
    values = {**SETTINGS, "model_name_or_path": model, "dataset": str(rows), "max_steps": steps}
    return store.create(load_train(values=values).config)


def measure(run: Run, block: int) -> Blocks:
    """Train in this process as a worker would, telling in every other block."""
    meter = Meter()
    config = run.config()
    job = Job(config, run.output, Log(run, meter), run.stop_path.exists, run.takes_save)
    run.output.mkdir(parents=True)
    set_seed(config.optimisation.seed)
    ground = lay_ground(config)
    trainer = make_trainer(job, ground, prepare_data(job, ground))
    put_on_the_clock(trainer, meter)
    blocks = Blocks(run, meter, block)
    trainer.add_callback(blocks)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    meter.telling = True
    return blocks


def put_on_the_clock(trainer: ConchTrainer, meter: Meter) -> None:
    own = trainer.reporter
    trainer.remove_callback(own)
    trainer.reporter = MeteredReporter(own.log, own.wants_stop, own.wants_save, own.pauses)
    trainer.reporter.meter = meter
    trainer.add_callback(trainer.reporter)


def heartbeat_share(run: Run) -> float:
    """One touch in every few seconds, as a share of them."""
    began = time.perf_counter()
    for _ in range(TOUCHES):
        run.heartbeat_path.touch()
    return (time.perf_counter() - began) / TOUCHES / BEAT_SECONDS


def show(blocks: Blocks, heartbeat: float, *, keep: bool = False) -> int:
    """Print what was found; the exit code."""
    told = [seconds for telling, seconds in blocks.steps if telling]
    silent = [seconds for telling, seconds in blocks.steps if not telling]
    differences = [
        statistics.mean(one) / statistics.mean(other) - 1
        for one, other in zip(chunks(told, blocks.block), chunks(silent, blocks.block), strict=True)
    ]
    inside = blocks.meter.seconds / sum(told)
    print(f"{len(told)} steps with telling, {len(silent)} without, in blocks of {blocks.block}, in turn.\n")
    print(f"median step with telling     {1000 * statistics.median(told):9.1f} ms")
    print(f"median step without          {1000 * statistics.median(silent):9.1f} ms")
    by_pair = ", ".join(f"{100 * share:+.2f} %" for share in differences)
    print(f"difference, by pair          {by_pair}; median {100 * statistics.median(differences):+.2f} %")
    print(f"inside of telling, a step    {1000 * blocks.meter.seconds / len(told):9.3f} ms, {inside:.3%}")
    print(f"heartbeat                    {heartbeat:.6%}")
    share = inside + heartbeat
    print(f"\nTelling takes {share:.3%} of the training time, {'within' if share <= LIMIT else 'OVER'} 1 %.")
    if keep:
        proofs = Proofs()
        proofs.tell(
            f"telling (events, wishes, heartbeat) takes at most {LIMIT:.0%} of the training time, with one "
            "event a step",
            f"{share:.2%}: {1000 * blocks.meter.seconds / len(told):.2f} ms of steps of "
            f"{1000 * statistics.median(told):.0f} ms",
        )
        proofs.keep()
    return 0 if share <= LIMIT else 1


def chunks(values: list[float], size: int) -> list[list[float]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


if __name__ == "__main__":
    sys.exit(main())
