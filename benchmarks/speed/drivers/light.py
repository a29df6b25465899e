"""What the drivers know before torch is imported: the job, settings of all tools, the peak of memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def read_job() -> dict[str, Any]:
    """The job that the command line names."""
    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return job


def common(job: dict[str, Any]) -> dict[str, Any]:
    """What Conch and LLaMA-Factory are set to alike, by the names that both know."""
    return {
        "model_name_or_path": job["model"],
        "output_dir": job["output"],
        "cutoff_len": job["cutoff"],
        "lora_rank": job["rank"],
        "per_device_train_batch_size": job["batch"],
        "learning_rate": job["learning_rate"],
        "lr_scheduler_type": "constant",
        "num_train_epochs": 1,
        "logging_steps": 1,
        "save_strategy": "no",
    }


def peak() -> int | None:
    """The most memory that this process ever held, in bytes (VmHWM); None where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
