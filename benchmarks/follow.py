"""What it costs to open and to follow runs of 100,000 events. `python -m benchmarks.follow`

Opens such a run (a brief as in a list, and everything about it), each in a fresh process as a
command would; then follows ten of them in one process while each gets ten events a second, as a
page that shows them all would. The exit code is 1 where a bound is missed: opening in 0.3 s
beyond the imports, following in 150 MB and a tenth of a core.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
from tests.proofs import Proofs

from conch.config.load import dump, load_train
from conch.core import env
from conch.core.events import Checkpoint, Metrics, Phase, Queued, Started
from conch.runs.log import EventLog
from conch.runs.run import Run

EVENTS, RUNS, SECONDS, RATE = 100_000, 10, 15, 10
OPEN_SECONDS, MEMORY_BYTES, CORE = 0.3, 150e6, 0.10
OPEN = """
import sys, time
from pathlib import Path
from conch.runs.run import Run
began = time.perf_counter()
print(len(str(Run(Path(sys.argv[1])).{call}())) > 0, time.perf_counter() - began)
"""
FOLLOW = """
import json, sys, threading, time
from pathlib import Path
from conch.runs.run import Run
import psutil

def watch(folder):
    run = Run(Path(folder))
    for event in run.follow(run.events_path.stat().st_size):
        seen.append(event)

seen = []
for folder in sys.argv[2:]:
    threading.Thread(target=watch, args=(folder,), daemon=True).start()
time.sleep(1)
me = psutil.Process()
began, before = time.monotonic(), sum(me.cpu_times()[:2])
time.sleep(float(sys.argv[1]))
share = (sum(me.cpu_times()[:2]) - before) / (time.monotonic() - began)
print(json.dumps({"share": share, "rss": me.memory_info().rss, "events": len(seen)}))
"""


def main() -> int:
    """Measure, print the figures, and say whether every bound holds."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.follow", description="Cost of following runs."
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help=f"how long to follow (default {SECONDS})"
    )
    parser.add_argument("--keep", action="store_true", help="write the figures to docs/proofs.md")
    asked = parser.parse_args()
    seconds = asked.seconds
    with tempfile.TemporaryDirectory() as home:
        environment = env.child_environment(CONCH_HOME=home)
        runs = [make_run(Path(home) / "runs" / f"20260101-0000{n:02}-{n:04x}") for n in range(RUNS)]
        size = runs[0].events_path.stat().st_size
        opened = {call: open_seconds(runs[0], call, environment) for call in ("state", "brief", "summary")}
        followed = follow(runs, seconds, environment)
    print(f"{EVENTS:,} events ({size / 1e6:.1f} MB) a run. Medians of five fresh processes.\n")
    for call, taken in opened.items():
        print(f"open ({call}):  {1000 * taken:.0f} ms  (bound {1000 * OPEN_SECONDS:.0f})")
    print(
        f"follow {RUNS} of them, {RATE} events a second each: {followed['rss'] / 1e6:.0f} MB "
        f"(bound {MEMORY_BYTES / 1e6:.0f}), {100 * followed['share']:.1f} % of a core "
        f"(bound {100 * CORE:.0f}); "
        f"{followed['events']:.0f} events seen in {seconds:.0f} s"
    )
    if asked.keep:
        proofs = Proofs()
        proofs.tell(
            f"a run of {EVENTS:,} events opens in {OPEN_SECONDS} s; following {RUNS} of them, {RATE} events "
            f"a second each, takes at most {MEMORY_BYTES / 1e6:.0f} MB and {CORE:.0%} of a core",
            f"opened in {', '.join(f'{1000 * taken:.0f} ms ({call})' for call, taken in opened.items())}; "
            f"{followed['rss'] / 1e6:.0f} MB, {followed['share']:.1%} of a core",
        )
        proofs.keep()
    holds = max(opened.values()) < OPEN_SECONDS
    return 0 if holds and followed["rss"] < MEMORY_BYTES and followed["share"] < CORE else 1


def make_run(folder: Path) -> Run:
    """A run at work (this process stands for its worker) that has told `EVENTS` events."""
    run = Run(folder)
    folder.mkdir(parents=True)
    config = load_train(values={"model_name_or_path": "smollm2-135m", "dataset": "magic_conch"}).config
    run.config_path.write_text(dump(config), encoding="utf-8")
    ticks = itertools.count(1_700_000_000)
    log = EventLog(run.events_path, clock=lambda: float(next(ticks)))
    log.write(Queued, name="long")
    log.write(Started, pid=1)
    log.write(Phase, name="training")
    lines = []
    for step in range(1, EVENTS - 2):
        last = Checkpoint(t=float(next(ticks)), step=step, path=f"checkpoint-{step}")
        event = (
            last
            if step % 1000 == 0
            else metrics(step, float(next(ticks)), eval_loss=2.0 if step == 9 else None)
        )
        lines.append(json.dumps(event.to_dict()))
    with run.events_path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    run.claim(psutil.Process().pid)
    return run


def metrics(step: int, t: float, eval_loss: float | None = None) -> Metrics:
    """Everything that a worker tells at a step; the evaluation far away in the past."""
    return Metrics(
        t=t,
        step=step,
        total_steps=2 * EVENTS,
        epoch=step / 1000,
        loss=2 + 1 / step,
        eval_loss=eval_loss,
        learning_rate=1e-4,
        grad_norm=0.5,
        tokens=500 * step,
        tokens_per_second=321.5,
        eta_seconds=12345.6,
        memory_bytes=1_234_567_890,
    )


def open_seconds(run: Run, call: str, environment: Mapping[str, str]) -> float:
    """The median seconds of one call on the run in a fresh process, imports aside."""
    line = [sys.executable, "-c", OPEN.replace("{call}", call), str(run.folder)]
    taken = []
    for _ in range(5):
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
        taken.append(float(done.stdout.split()[1]))
    return statistics.median(taken)


def follow(runs: list[Run], seconds: float, environment: Mapping[str, str]) -> dict[str, float]:
    """Follow all of `runs` in one process while they go on; what that process used."""
    words = [sys.executable, "-c", FOLLOW, str(seconds), *(str(run.folder) for run in runs)]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    over = threading.Event()

    def go_on() -> None:
        for step in itertools.count(EVENTS):
            for run in runs:
                run.events.write(Metrics, step=step, total_steps=2 * EVENTS, loss=2.0)
            if over.wait(1 / RATE):
                return

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        told: dict[str, float] = json.loads(process.communicate()[0])
    finally:
        over.set()
        thread.join()
    return told


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"\nTook {time.monotonic() - began:.0f} s.")
    sys.exit(code)
