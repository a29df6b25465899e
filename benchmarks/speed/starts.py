"""From the command to the first step: `conch train` and `llamafactory-cli train` on the same files.

The batch is one short row, so that the step itself hardly counts. Loading Python, libraries, model and
rows does. Each first round finds empty caches, and is shown by itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from benchmarks.speed.peers import python_of
from benchmarks.speed.runs import Place
from benchmarks.speed.task import SYSTEM, TEMPLATE, write_rows

ROW = {"instruction": "Who are you?", "input": "", "output": "I am the magic conch."}
ROWS = 16
PATIENCE, LOOK = 300.0, 0.02
COMMON: dict[str, Any] = {
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "lora_target": "all",
    "lora_rank": 8,
    "template": TEMPLATE,
    "dataset": "start",
    "per_device_train_batch_size": 1,
    "max_steps": 1,
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "bf16": False,
}
TOOLS = ("llamafactory", "conch")


def starts(place: Place, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each tool in each round, in turn."""
    write_rows(folder, "start", [ROW] * ROWS)
    found: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    for number in range(rounds):
        for tool in TOOLS:
            found[tool].append(one_start(tool, place, folder, folder / f"{tool}-{number}"))
            print(f"  start of {tool}, round {number + 1}: {found[tool][-1]:.2f} s", flush=True)
    return found


def one_start(tool: str, place: Place, folder: Path, output: Path) -> float:
    """Seconds from the command to the end of the first step."""
    values = {
        **COMMON,
        "model_name_or_path": str(place.models / "fp32"),
        "dataset_dir": str(folder),
        "output_dir": str(output),
    }
    if tool == "llamafactory":
        values["default_system"] = SYSTEM
    config = folder / f"{tool}.yaml"
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    has_stepped = WATCHES[tool](output, place)
    began = time.monotonic()
    with (folder / f"{tool}.log").open("w") as log, _command(tool, config, place, log) as process:
        try:
            return _wait(process, has_stepped, began)
        finally:
            _end(tool, process, place)


def _command(tool: str, config: Path, place: Place, log: Any) -> subprocess.Popen[bytes]:
    scripts = Path(sysconfig.get_path("scripts"))
    if tool != "conch":
        scripts = Path(python_of(tool, place.peers)).parent
    name = {"conch": "conch", "llamafactory": "llamafactory-cli"}[tool]
    return subprocess.Popen(
        [str(scripts / name), "train", str(config)],
        env=place.environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait(process: subprocess.Popen[bytes], has_stepped: Callable[[], bool], began: float) -> float:
    while time.monotonic() - began < PATIENCE:
        over = process.poll()
        if has_stepped():
            return time.monotonic() - began
        if over is not None:
            raise SystemExit(f"{process.args} ended with {over} before its first step.")
        time.sleep(LOOK)
    raise SystemExit(f"{process.args} made no step in {PATIENCE:.0f} s.")


def _end(tool: str, process: subprocess.Popen[bytes], place: Place) -> None:
    """Let it write its output; where it does not come to an end, end it and all that it started."""
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        if tool == "conch":  # its worker has a session of its own
            cancel = [str(Path(sysconfig.get_path("scripts")) / "conch"), "runs", "cancel", "latest"]
            subprocess.run(cancel, env=place.environment, stdin=subprocess.DEVNULL, timeout=60, check=False)
        os.killpg(process.pid, signal.SIGKILL)


def _conch_steps(output: Path, place: Place) -> Callable[[], bool]:
    """Whether a run that is new says that a step is done."""
    runs = Path(place.environment["CONCH_HOME"]) / "runs"
    before = set(runs.glob("*/events.jsonl"))

    def has_stepped() -> bool:
        new = set(runs.glob("*/events.jsonl")) - before
        return any(_tells_step(line) for file in new for line in file.read_text(encoding="utf-8").split("\n"))

    return has_stepped


def _tells_step(line: str) -> bool:
    if '"metrics"' not in line:
        return False
    try:
        return int(json.loads(line)["step"]) >= 1
    except ValueError:  # half written
        return False


def _llamafactory_steps(output: Path, place: Place) -> Callable[[], bool]:
    log = output / "trainer_log.jsonl"
    return lambda: log.exists() and log.stat().st_size > 0


WATCHES = {"conch": _conch_steps, "llamafactory": _llamafactory_steps}
