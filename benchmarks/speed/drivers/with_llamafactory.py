"""One training by LLaMA-Factory, in its environment. `python with_llamafactory.py JOB.json`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import light
import meter


def main() -> None:
    job = light.read_job()
    meter.look_on(job)
    from llamafactory.train.tuner import run_exp

    run_exp(values(job))


def values(job: dict[str, Any]) -> dict[str, Any]:
    rows = Path(job["rows"])
    return {
        **light.common(job),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_target": "all",
        "dataset_dir": str(rows.parent),
        "dataset": rows.stem,
        "template": job["template"],
        "default_system": job["system"],
        "report_to": "none",
        "disable_shuffling": True,
        **job["options"],
    }


if __name__ == "__main__":
    main()
