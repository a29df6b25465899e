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
        **meter.common(job),
        "dataset": job["rows"],
        "do_eval": False,
        "plot_loss": False,
        "use_cpu": True,
        **job["options"],
    }


if __name__ == "__main__":
    sys.exit(main())
