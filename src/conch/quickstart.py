"""The main job, once, on real input: base model → tuned, compared, exported, proved, served.

Strings the other parts together and keeps every figure. Prints nothing: what happens is told
to `Observer`.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from conch.config import ExportConfig, load_train
from conch.config.data import DataConfig
from conch.config.model import ModelConfig
from conch.core.conversation import Message
from conch.core.errors import ExportError, RunError
from conch.core.events import Event, Failed, Finished, Metrics
from conch.core.files import publish, temporary_folder, write_whole
from conch.core.text import tr
from conch.data.recipes import read_conversations
from conch.data.sources import BUNDLED
from conch.once import serve_once
from conch.runs import Run, read_events
from conch.submit import submit

DATASET = "magic_conch"
SETTINGS = {
    "val_size": 0.1,
    "num_train_epochs": 5,
    "learning_rate": 2e-3,
    "lr_scheduler_type": "cosine",
    "warmup_ratio": 0.1,
    "per_device_train_batch_size": 8,
    "logging_steps": 1,
    "eval_on_start": True,
    "save_strategy": "epoch",
    "save_total_limit": 2,
    "seed": 42,
}
"""Chosen for a 135M model and 134 short rows: small steps would need more epochs than patience allows."""
ANSWER_TOKENS = 48
OWN = ".conch-quickstart"
"""Marks an output folder whose `model` a later quickstart may replace."""


class Observer(Protocol):
    """Whom the quickstart tells."""

    def phase(self, name: str) -> None: ...
    def done(self, name: str, seconds: float) -> None: ...
    def note(self, text: str) -> None: ...
    def event(self, event: Event) -> None: ...


@dataclass(frozen=True)
class Questions:
    """What the model is asked before and after."""

    shown: tuple[str, ...]
    identity: tuple[str, ...] = ()
    """Rephrased questions about who it is, which the data does not hold."""
    names: tuple[str, ...] = ()

    def share_identified(self, answers: Sequence[str]) -> float | None:
        """Share of answers to the identity questions in which one of the names occurs."""
        if not self.identity:
            return None
        hits = sum(any(name.lower() in answer.lower() for name in self.names) for answer in answers)
        return hits / len(answers)


@dataclass
class Report:
    """Every figure, as `quickstart.json` holds them."""

    figures: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str, observer: Observer) -> Iterator[None]:
        observer.phase(name)
        began = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - began, 2)
        observer.done(name, self.seconds[name])

    def to_dict(self) -> dict[str, Any]:
        return {"seconds": {**self.seconds, "total": round(sum(self.seconds.values()), 2)}, **self.figures}


def quickstart(
    model: str, dataset: str, output: Path, observer: Observer, *, max_steps: int | None = None
) -> dict[str, Any]:
    """Go the whole way and return the figures, which are also in `output/quickstart.json`.

    The training takes as long as it needs for good answers, or `max_steps`.
    """
    report = Report()
    questions = find_questions(dataset)
    report.figures |= {"model": model, "dataset": dataset}
    with report.phase("model", observer):
        _fetch(model, observer)
    with report.phase("before", observer):
        before = ask(model, questions, observer)
    with report.phase("train", observer):
        run = tune(model, dataset, observer, max_steps)
    report.figures |= training_figures(run)
    with report.phase("after", observer):
        after = ask(run.id, questions, observer)
    report.figures |= _answer_figures(questions, before, after)
    with report.phase("export", observer):
        report.figures["export"] = _export(run, output, observer)
    with report.phase("serve", observer):
        observer.note(tr("quickstart.starting", folder=output / "model"))
        report.figures["http"] = serve_once(output / "model", questions.shown[0], ANSWER_TOKENS)
    shutil.copyfile(run.output / "training_loss.png", output / "training_loss.png")
    figures = report.to_dict()
    write_whole(output / "quickstart.json", json.dumps(figures, ensure_ascii=False, indent=2))
    return figures


def find_questions(dataset: str) -> Questions:
    """The questions that belong to the bundled dataset; of another, the first questions in it."""
    if dataset != DATASET:
        conversations = read_conversations([dataset], DataConfig(dataset=(dataset,), max_samples=4))
        return Questions(tuple(conversation.messages[-2].content for conversation in conversations))
    content = json.loads((BUNDLED / f"{DATASET}_questions.json").read_text(encoding="utf-8"))
    shown = [
        entry["prompt"] for entry in (*content["seen"], *content["heldout_identity"][:2], *content["other"])
    ]
    names = [name for listed in content["identity_names"].values() for name in listed]
    identity = [entry["prompt"] for entry in content["heldout_identity"]]
    return Questions(tuple(dict.fromkeys(shown)), tuple(identity), tuple(names))


def _fetch(model: str, observer: Observer) -> None:
    from conch.models.locate import Request, locate

    locate(Request(model, notify=observer.note))


def ask(model: str, questions: Questions, observer: Observer) -> dict[str, str]:
    """The model's greedy answer to every question."""
    from conch.inference.engine import Sampling
    from conch.inference.open import open_chat
    from conch.models.load import load

    chat = open_chat(load(ModelConfig(model_name_or_path=model), dtype="float32"))
    prompts = list(dict.fromkeys([*questions.shown, *questions.identity]))
    observer.note(tr("quickstart.asking", count=len(prompts)))
    replies = chat.answers([[Message("user", prompt)] for prompt in prompts], Sampling(ANSWER_TOKENS))
    return {prompt: reply.text.strip() for prompt, reply in zip(prompts, replies, strict=True)}


def _answer_figures(questions: Questions, before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    return {
        "answers": [{"prompt": p, "before": before[p], "after": after[p]} for p in questions.shown],
        "identity_share": {
            "questions": len(questions.identity),
            "before": questions.share_identified([before[p] for p in questions.identity]),
            "after": questions.share_identified([after[p] for p in questions.identity]),
            "answers": [{"prompt": p, "before": before[p], "after": after[p]} for p in questions.identity],
        },
    }


def tune(model: str, dataset: str, observer: Observer, max_steps: int | None = None) -> Run:
    """A run like any other, followed to its end. Raises RunError where it does not finish."""
    values = {"model_name_or_path": model, "dataset": dataset, "run_name": "quickstart", **SETTINGS}
    if max_steps is not None:
        values["max_steps"] = max_steps
    run = submit(load_train(values=values).config)
    try:
        for event in run.follow():
            observer.event(event)
    except KeyboardInterrupt:
        observer.note(tr("quickstart.interrupted", run=run.id))
        raise
    events = read_events(run.events_path)
    failed = next((event for event in events if isinstance(event, Failed)), None)
    if failed is not None:
        raise RunError("quickstart.run_failed", message=failed.message, hint=failed.hint)
    if run.state() != "finished":
        raise RunError("quickstart.run_ended", run=run.id, state=run.told_state(), log=run.log_path)
    return run


def training_figures(run: Run) -> dict[str, Any]:
    """What the run's events say."""
    events = read_events(run.events_path)
    losses = [event.loss for event in events if isinstance(event, Metrics) and event.loss is not None]
    held_out = [
        (event.step, event.eval_loss)
        for event in events
        if isinstance(event, Metrics) and event.eval_loss is not None
    ]
    best_step, best = min(held_out, key=lambda point: point[1])
    finished = next(event for event in events if isinstance(event, Finished))
    return {
        "run": run.id,
        "train": {
            "steps": finished.step,
            "seconds": finished.train_seconds,
            "tokens": finished.tokens,
            "tokens_per_second": finished.tokens_per_second,
            "first_loss": losses[0],
            "last_loss": losses[-1],
            "losses": losses,
        },
        "eval_loss": {
            "before": held_out[0][1],
            "after": held_out[-1][1],
            "best": best,
            "best_step": best_step,
        },
    }


def _export(run: Run, output: Path, observer: Observer) -> dict[str, Any]:
    """Export the run beside an earlier quickstart's model, which it then replaces."""
    from conch.exporting.merge import export

    target, mark = output / "model", output / OWN
    if target.exists() and not mark.is_file():
        raise ExportError("export.target_exists", folder=target)
    with temporary_folder(output) as place:
        report = export(
            ExportConfig(model_name_or_path=run.id, export_dir=str(place / "model")), observer.note
        )
        mark.touch()
        publish(place / "model", target)
    proof = report.proof
    return {
        "folder": str(target),
        "bytes": report.bytes,
        "dtype": report.dtype,
        "prompts": proof.prompts,
        "max_logit_difference": proof.max_logit_difference,
        "allowed": proof.bound,
        "same_answers": proof.same_answers,
    }
