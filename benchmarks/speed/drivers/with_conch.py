"""One training by Conch, as its worker does it. `python with_conch.py JOB.json`"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import light

from conch.config import load_train
from conch.core import env
from conch.runs import store
from conch.training import lean
from conch.worker import execute


def main() -> int:
    job = light.read_job()
    config = load_train(values=values(job)).config
    env.bound_kernel_caches()  # as a worker does, before torch is at work
    with lean.imports(config):  # and this
        import conch.training.job  # noqa: F401
    import meter

    keep_order()
    meter.look_on(job)
    run = store.create(config)
    ended_well = execute(run)
    if not ended_well:
        print(run.summary()["error"], file=sys.stderr)
    store.remove(run)
    return 0 if ended_well else 1


def keep_order() -> None:
    """Rows come in the order of the file, as in all tools."""
    from conch.data.batches import ShuffledSampler

    def in_order(self: ShuffledSampler) -> Iterator[int]:
        return iter(range(self.count))

    ShuffledSampler.__iter__ = in_order  # type: ignore[method-assign]


def values(job: dict[str, Any]) -> dict[str, Any]:
    return {
        **light.common(job),
        "dataset": job["rows"],
        "do_eval": False,
        "plot_loss": False,
        "use_cpu": True,
        **job["options"],
    }


if __name__ == "__main__":
    sys.exit(main())
