"""How long `conch` takes to answer when no model is involved. `python -m benchmarks.start_up`

The bound follows the machine: five times the start of a bare interpreter, plus what importing
pydantic costs beyond that. Runs are interleaved, so that a busy moment falls on all alike, and
the median of each is compared. The exit code is 1 where a command is over the bound or imports
a heavy library. Commands that load a model are not measured here.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from conch.config.load import dump, load_train
from conch.core import env
from conch.core.events import Checkpoint, Finished, Metrics, Phase, Queued, Started
from conch.runs.log import EventLog
from conch.runs.run import Run

ROUNDS = 21
RUNS = 20
"""How many runs `conch runs list` finds."""
HEAVY = frozenset({"torch", "transformers", "datasets", "fastapi", "gradio"})
BARE, PYDANTIC = "python -c pass", "python -c 'import pydantic'"
COMMANDS = {
    "conch --help": ("--help",),
    "conch version": ("version",),
    "conch runs list": ("runs", "list"),
    "conch options train": ("options", "train"),
}
"""What is printed in the table to what is typed behind `conch`."""

Medians = Mapping[str, float]
"""What was run to its median wall-clock seconds."""


def main() -> int:
    """Measure, print the table, and say whether every command holds."""
    rounds = _rounds()
    with tempfile.TemporaryDirectory() as home:
        make_runs(Path(home) / "runs")
        environment = env.child_environment(CONCH_HOME=home, CONCH_LANG="en")
        medians = measure(command_lines(), rounds, environment)
        imports = {name: import_seconds(words, environment) for name, words in COMMANDS.items()}
    limit = bound(medians)
    show(medians, limit, rounds)
    over = [name for name in COMMANDS if medians[name] > limit]
    for name in over:
        print(f"\n{name} is over the bound. Import time by package: {by_package(imports[name])}")
    heavy = {name: found for name, modules in imports.items() if (found := packages(modules) & HEAVY)}
    for name, found in heavy.items():
        print(f"\n{name} imports {', '.join(sorted(found))}.")
    if not heavy:
        print(f"\nNo command imports any of {', '.join(sorted(HEAVY))}.")
    return 1 if over or heavy else 0


def _rounds() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.start_up", description="Start-up time of conch."
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each command (default {ROUNDS})")
    rounds: int = parser.parse_args().rounds
    return max(1, rounds)


def make_runs(folder: Path, count: int = RUNS) -> None:
    """`count` small finished runs in `folder`, with the files and events that real ones have."""
    config = dump(load_train(values={"model_name_or_path": "smollm2-135m", "dataset": "magic_conch"}).config)
    for number in range(count):
        run = Run(folder / f"20260101-0000{number:02}-{number:04x}")
        run.folder.mkdir(parents=True)
        run.config_path.write_text(config, encoding="utf-8")
        write_events(run)


def write_events(run: Run, steps: int = 20) -> None:
    """What a run of `steps` steps tells, one second apart."""
    ticks = itertools.count(1_700_000_000)
    log = EventLog(run.events_path, clock=lambda: float(next(ticks)))
    log.write(Queued)
    log.write(Started, pid=1)
    log.write(Phase, name="training")
    for step in range(1, steps + 1):
        loss = 3 / step
        log.write(Metrics, step=step, total_steps=steps, loss=loss, learning_rate=1e-4, tokens=500 * step)
    log.write(Checkpoint, step=steps, path=str(run.folder / "output" / f"checkpoint-{steps}"))
    log.write(Finished, step=steps, train_seconds=20.0, tokens=500 * steps, tokens_per_second=500.0)


def command_lines() -> dict[str, list[str]]:
    """Everything that is timed: the two yardsticks, then the commands as a user's shell starts them."""
    conch = str(Path(sysconfig.get_path("scripts")) / "conch")
    return {
        BARE: [sys.executable, "-c", "pass"],
        PYDANTIC: [sys.executable, "-c", "import pydantic"],
        **{name: [conch, *words] for name, words in COMMANDS.items()},
    }


def measure(
    lines: Mapping[str, Sequence[str]], rounds: int, environment: Mapping[str, str]
) -> dict[str, float]:
    """The median seconds of each command line over `rounds` rounds, after one that warms the caches."""
    seconds: dict[str, list[float]] = {name: [] for name in lines}
    for number in range(rounds + 1):
        for name, line in lines.items():
            taken = wall_seconds(line, environment)
            if number:
                seconds[name].append(taken)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def wall_seconds(line: Sequence[str], environment: Mapping[str, str]) -> float:
    """From the start of a process to its end. Raises CalledProcessError where it fails."""
    began = time.perf_counter()
    subprocess.run(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def bound(medians: Medians) -> float:
    """Five bare interpreters and one import of pydantic, in seconds."""
    return 5 * medians[BARE] + (medians[PYDANTIC] - medians[BARE])


def import_seconds(words: Sequence[str], environment: Mapping[str, str]) -> dict[str, float]:
    """Every module that `conch WORDS` imports, with the seconds of its own, by `python -X importtime`."""
    line = [sys.executable, "-X", "importtime", "-m", "conch.cli", *words]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, float] = {}
    for row in done.stderr.splitlines():
        own, _, rest = row.removeprefix("import time:").partition("|")
        if row.startswith("import time:") and own.strip().isdigit():
            found[rest.rpartition("|")[2].strip()] = int(own) / 1e6
    return found


def packages(modules: Mapping[str, float]) -> set[str]:
    """The top-level packages of `modules`."""
    return {module.partition(".")[0] for module in modules}


def by_package(modules: Mapping[str, float], most: int = 8) -> str:
    """The packages that cost most, as words. Timing imports slows them: read these as shares."""
    cost: dict[str, float] = {}
    for module, seconds in modules.items():
        package = module.partition(".")[0]
        cost[package] = cost.get(package, 0.0) + seconds
    largest = sorted(cost.items(), key=lambda item: item[1], reverse=True)[:most]
    return ", ".join(f"{package} {1000 * seconds:.0f} ms" for package, seconds in largest)


def show(medians: Medians, limit: float, rounds: int) -> None:
    """The table."""
    print(f"Medians of {rounds} interleaved runs; {RUNS} runs in CONCH_HOME. Times in ms.")
    print(
        f"bound = 5 × {1000 * medians[BARE]:.1f} + {1000 * (medians[PYDANTIC] - medians[BARE]):.1f}", end=""
    )
    print(f" = {1000 * limit:.1f}\n")
    print(f"{'':<28} {'median':>8} {'of bound':>9}  within")
    for name, median in medians.items():
        verdict = "" if name not in COMMANDS else "yes" if median <= limit else "NO"
        print(f"{name:<28} {1000 * median:>8.1f} {median / limit:>9.2f}  {verdict}".rstrip())


if __name__ == "__main__":
    sys.exit(main())
