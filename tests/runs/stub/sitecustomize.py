"""Put this folder into PYTHONPATH, and workers sleep instead of training. Everything else is real."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    config: Any
    output: Path
    log: Any
    wants_stop: Any
    wants_save: Any
    resume: Path | None
    tell_paused: Any
    afterwards: Any


def train(job: Job) -> None:
    """Steps of a hundredth of a second, as many as `max_steps` says; checkpoints as asked."""
    from conch.core.events import Checkpoint, Finished, Metrics, Stopped

    begin = int(job.resume.name.partition("-")[2]) if job.resume else 0
    steps = job.config.optimisation.max_steps
    words = (job.config.output.run_name or "").split()
    if "family" in words:
        make_family(job.output)
    for step in range(begin + 1, steps + 1):
        time.sleep(0.01)
        job.log.write(Metrics, step=step, total_steps=steps, loss=1.0 / step)
        stop = job.wants_stop()
        if stop or job.wants_save():
            path = checkpoint(job.output, step)
            job.log.write(Checkpoint, step=step, path=str(path))
        if stop:
            job.log.write(Stopped, step=step, checkpoint=str(path))
            return
    ended = {"step": steps, "train_seconds": 1.0, "tokens": 1, "tokens_per_second": 1.0}
    if job.afterwards(ended):
        job.log.write(Finished, **ended)


def checkpoint(output: Path, step: int) -> Path:
    """What looks like a whole checkpoint: a safetensors file of one number, and a state."""
    header = b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}'
    path = output / f"checkpoint-{step}"
    path.mkdir(parents=True, exist_ok=True)
    (path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    (path / "optimizer.pt").write_bytes(b"")
    (path / "trainer_state.json").write_text(f'{{"global_step": {step}, "epoch": {step / 10}}}')
    return path


def make_family(output: Path) -> None:
    """A child that ignores SIGTERM, and a grandchild with a session and no parent of its own."""
    output.mkdir(parents=True, exist_ok=True)
    deaf = "import signal as s, time; s.signal(s.SIGTERM, s.SIG_IGN); print(1, flush=True); time.sleep(999)"
    child = subprocess.Popen([sys.executable, "-S", "-c", deaf], stdout=subprocess.PIPE)
    child.stdout.readline()  # type: ignore[union-attr]
    orphan = (
        "import subprocess as s;"
        "print(s.Popen(['sleep', '999'], start_new_session=True, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    )
    found = subprocess.run([sys.executable, "-S", "-c", orphan], capture_output=True, text=True, check=True)
    (output / "family").write_text(f"{child.pid} {found.stdout.strip()}")


if os.environ.get("CONCH_STUB"):
    module = types.ModuleType("conch.training.job")
    module.Job, module.train = Job, train  # type: ignore[attr-defined]
    sys.modules["conch.training.job"] = module
