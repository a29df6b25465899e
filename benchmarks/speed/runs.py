"""Trainings in processes of their own, and the figures of each."""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.speed.peers import python_of
from benchmarks.speed.settings import Setting
from benchmarks.speed.task import Task
from conch.core import env

DRIVERS = Path(__file__).with_name("drivers")
PATIENCE = 7200.0
"""Seconds after which a training counts as hung."""
NO_AMX = {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_VNNI"}
"""Products by AVX-512 with VNNI, as on the machines without AMX and without bf16 instructions."""


@dataclass(frozen=True)
class Steps:
    """What one training did. Times in seconds from its begin, memory in bytes."""

    steps: tuple[dict[str, float], ...]
    seconds: float
    peak: int | None
    threads: int
    versions: dict[str, str]
    others: float = 0.0
    """Share of all cores' time that went to other processes meanwhile, or was taken by the host."""

    def tokens(self) -> int:
        """Real ones, of the whole training."""
        return int(sum(step["tokens"] for step in self.steps))

    def labels(self) -> int:
        return int(sum(step["labels"] for step in self.steps))

    def rate(self) -> float:
        """Real tokens a second from the end of the first step to that of the last."""
        tokens = sum(step["tokens"] for step in self.steps[1:])
        return tokens / (self.steps[-1]["at"] - self.steps[0]["at"])

    def whole_rate(self) -> float:
        """Real tokens a second of the whole training, what comes before the first step included."""
        return self.tokens() / self.seconds

    def loss(self, labels: int) -> float:
        """Mean over the first steps that train at most so many tokens together, the first in any case."""
        lost, seen = 0.0, 0
        for step in self.steps:
            if seen and seen + step["labels"] > labels:
                break
            lost += step["loss"] * step["labels"]
            seen += int(step["labels"])
        return lost / seen


@dataclass(frozen=True)
class Place:
    """Where trainings find what they need: environments, model files, and what they have to be told."""

    peers: Path
    models: Path
    environment: dict[str, str]


def child_environment(folder: Path, hold: bool) -> dict[str, str]:
    """Of every measured process: caches in `folder`, no network, and no AMX where the machine is held.

    glibc's allocator is set for Conch alone, as `conch train` does it for its worker.
    """
    return env.child_environment(
        CONCH_HOME=str(folder / "conch"),
        HF_HOME=str(folder / "huggingface"),
        HF_HUB_OFFLINE="1",
        TOKENIZERS_PARALLELISM="false",
        **(NO_AMX if hold else {}),
    )


def train(setting: Setting, task: Task, place: Place, seconds: float) -> Steps:
    """One training from its own process's begin to its end."""
    job = task.job(setting, place.models, seconds)
    shutil.rmtree(job["output"], ignore_errors=True)
    Path(job["result"]).unlink(missing_ok=True)
    file, log = task.folder / "job.json", task.folder / f"{setting.name}.log"
    file.write_text(json.dumps(job), encoding="utf-8")
    words = [python_of(setting.tool, place.peers), str(DRIVERS / f"with_{setting.tool}.py"), str(file)]
    malloc = env.tensor_malloc() if setting.tool == "conch" else {}
    others = Others()
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            words,
            env={**place.environment, **malloc},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
    if done.returncode or not Path(job["result"]).exists():
        raise SystemExit(f"{setting.title} failed:\n{log.read_text(errors='replace')[-3000:]}")
    found = json.loads(Path(job["result"]).read_text(encoding="utf-8"))
    return Steps(**{**found, "steps": tuple(found["steps"]), "others": others.share()})


class Others:
    """Looks at how busy the machine is besides our children, since figures of a busy one are worth little."""

    def __init__(self) -> None:
        self._before = self._look()

    def share(self) -> float:
        """Of all cores' time since this was made."""
        whole, busy, ours = (now - before for now, before in zip(self._look(), self._before, strict=True))
        return max(0.0, busy - ours) / whole

    @staticmethod
    def _look() -> tuple[float, float, float]:
        """Seconds of all cores, of them not idle, and of them our children's that have ended."""
        times = psutil.cpu_times()
        counted = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        idle = times.idle + getattr(times, "iowait", 0.0)
        return counted, counted - idle, children.ru_utime + children.ru_stime


def median(runs: list[Steps], what: str, *arguments: Any) -> float:
    """The median of a figure over all rounds."""
    return statistics.median(getattr(run, what)(*arguments) for run in runs)
