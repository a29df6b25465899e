"""One training by Conch, as its worker does it. `python with_conch.py JOB.json`"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from conch.core import env

env.bound_kernel_caches()  # as a worker does, before torch is at work

import meter  # noqa: E402

from conch.config import load_train  # noqa: E402
from conch.data.batches import ShuffledSampler  # noqa: E402
from conch.runs import store  # noqa: E402
from conch.worker import execute  # noqa: E402


def main() -> int:
    job = meter.read_job()
    keep_order()
    meter.look_on(job)
    run = store.create(load_train(values=values(job)).config)
    ended_well = execute(run)
    if not ended_well:
        print(run.summary()["error"], file=sys.stderr)
    store.remove(run)
    return 0 if ended_well else 1


def keep_order() -> None:
    """Rows come in the order of the file, as in all tools."""

    def in_order(self: ShuffledSampler) -> Iterator[int]:
        return iter(range(self.count))

    ShuffledSampler.__iter__ = in_order  # type: ignore[method-assign]


def values(job: dict[str, Any]) -> dict[str, Any]:
    return {
        "model_name_or_path": job["model"],
        "dataset": job["rows"],
        "output_dir": job["output"],
        "cutoff_len": job["cutoff"],
        "lora_rank": job["rank"],
        "per_device_train_batch_size": job["batch"],
        "learning_rate": job["learning_rate"],
        "lr_scheduler_type": "constant",
        "num_train_epochs": 1,
        "logging_steps": 1,
        "save_strategy": "no",
        "do_eval": False,
        "plot_loss": False,
        "use_cpu": True,
        **job["options"],
    }


if __name__ == "__main__":
    sys.exit(main())
