"""A model, served by the real command for as long as lm-eval asks it: public benchmarks of what is served."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conch.config.compare import ReadingConfig
from conch.core import env
from conch.core.text import tr
from conch.evaluation import harness
from conch.evaluation.harness import Bench, Served
from conch.models import outline
from conch.models.load import tokenizer_folder
from conch.once import serving

PATIENCE = 1800.0
"""Seconds in which a model must be in memory: a large one from a slow disk."""
NAME = "model"
LEAST_CONTEXT, MOST = 512, 8192
"""Tokens of a question with its answer; no public task needs more than the most."""


def bench_model(
    model: str, bench: Bench, reading: ReadingConfig, notify: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """lm-eval's document of `model` on the tasks of `bench`. Raises ConchError."""
    table = harness.known_tasks(bench)
    config = reading.model(model)
    located, _ = outline.find(config, notify)
    read = outline.outline(located, config, reading.template)
    context = max(LEAST_CONTEXT, int(getattr(read.config, "max_position_embeddings", 2048)))
    words = [model, "--name", NAME, "--engine", reading.engine]
    words += ["--template", reading.template] if reading.template else []
    words += ["--trust-remote-code"] if reading.trust_remote_code else []
    log = env.home() / f"evaluate-{os.getpid()}.log"  # of a server that fails, the log is left to be read
    log.parent.mkdir(parents=True, exist_ok=True)
    notify(tr("evaluation.serving", model=model))
    with serving(words, log, Path.cwd(), PATIENCE) as address:
        notify(tr("evaluation.benching", tasks=", ".join(bench.tasks)))
        served = Served(
            address, NAME, tokenizer_folder(located), min(context, MOST), reading.trust_remote_code
        )
        found = harness.run(bench, served, table)
    log.unlink(missing_ok=True)
    return found
