"""`conch train --dry-run`: the resolved config, where its values came from, and what would happen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from conch.cli.layout import GAP, columns, fold, pad, width_of
from conch.cli.output import emit, plain, say, size, whisper
from conch.config.load import Loaded
from conch.config.model import SECRETS
from conch.config.train import NODES, TrainConfig
from conch.core.text import tr


def show_plan(loaded: Loaded, *, as_json: bool) -> None:
    from conch.submit import check
    from conch.training.plan import make_plan

    check(loaded.config)
    if not loaded.config.output.trains():
        if as_json:
            emit({"config": loaded.config.to_flat(), "origins": dict(loaded.origins), "plan": None})
            return
        show_settings(loaded)
        say("\n" + tr("cli.plan.predicts"))
        return
    plan = make_plan(loaded.config)
    for warning in plan.warnings:
        whisper(tr("cli.warning", message=warning))
    config = loaded.config.to_flat()
    if as_json:
        emit({"config": config, "origins": dict(loaded.origins), "plan": plan.to_dict()})
        return
    show_settings(loaded)
    say("\n" + click.style(tr("cli.plan.plan"), bold=True))
    told = [("  " + tr(f"cli.plan.{name}"), value) for name, value in _lines(plan.to_dict())]
    width = max(width_of(name) for name, _ in told) + len(GAP)
    for name, value in told:
        say(fold(pad(name, width) + value, width))


def show_settings(loaded: Loaded) -> None:
    """The settings in groups: what was given, with where, and what is in force without having been given."""
    for group, settings in grouped(loaded):
        say(click.style(tr(f"keys.group.{group}"), bold=True))
        rows = [[f"  {key}", value, f"# {where}" if where else ""] for key, value, where in settings]
        for line in columns(rows):
            say(line)
    say(tr("cli.plan.hidden"))


def grouped(loaded: Loaded) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The name of each group, with the key, value and origin of each of its settings that does something.

    What follows from other settings is worked out. What is unset or off is left out.
    """
    config = loaded.config
    worked_out = _worked_out(config)
    for name in (*NODES, "passthrough"):
        node = getattr(config, name)
        values = node if name == "passthrough" else node.model_dump(mode="json")
        used = _is_used(name, config)
        settings = []
        for key, value in values.items():
            where = loaded.origins.get(key, "")
            shows = where or key in worked_out or (used and value not in OFF and _counts(key, values))
            if key in SECRETS or not shows:
                continue
            shown, why = worked_out.get(key, (value, where))
            settings.append((key, plain(shown), where or why))
        if settings:
            yield name, settings


OFF: tuple[Any, ...] = (None, False, "", [], {}, -1, 0.0)
"""Values that ask for nothing."""


NEEDS = {
    "pissa_iter": "pissa_init",
    "loraplus_lr_embedding": "loraplus_lr_ratio",
    "buffer_size": "streaming",
}
"""Keys that say nothing unless another key of their node is on."""
SAYS_NOTHING = ("do_train", "infer_dtype", "model_revision")
"""Keys whose default is what everybody takes for granted."""


def _counts(key: str, values: Mapping[str, Any]) -> bool:
    """Whether a default is worth a line."""
    return key not in SAYS_NOTHING and (key not in NEEDS or values[NEEDS[key]] not in OFF)


def _is_used(node: str, config: TrainConfig) -> bool:
    """Whether a node without a given key says anything about this run."""
    if node in {"lora", "freeze"}:
        return config.method.finetuning_type == node
    if node == "samples":
        return bool(config.samples.sample_prompts)
    return node not in {"generation", "prediction", "trackers", "notify"}


def _worked_out(config: TrainConfig) -> dict[str, tuple[Any, str]]:
    """Keys whose value follows from others while nobody gave one: the value, and what it follows from."""
    found: dict[str, tuple[Any, str]] = {}
    if config.method.finetuning_type == "lora" and config.lora.lora_alpha is None:
        found["lora_alpha"] = config.lora.alpha(), tr("cli.plan.twice_rank")
    if config.output.eval_strategy is None:
        has_eval = bool(config.data.val_size or config.data.eval_dataset)
        found["eval_strategy"] = config.output.eval_when(has_eval), tr("cli.plan.follows")
    return found


def _lines(plan: dict[str, Any]) -> list[tuple[str, str]]:
    memory = plan["memory"]
    parts = tr("cli.comma").join(
        f"{tr(f'cli.plan.memory.{part}')} {size(count)}" for part, count in memory.items() if part != "total"
    )
    share = 100 * plan["trainable_parameters"] / max(plan["parameters"], 1)
    return [
        ("rows", _rows(plan)),
        ("tokens", _tokens(plan)),
        (
            "steps",
            tr(
                "cli.plan.steps_value",
                steps=plan["steps"],
                epochs=f"{plan['epochs']:g}",
                batch=plan["batch_rows"],
            ),
        ),
        (
            "parameters",
            tr(
                "cli.plan.parameters_value",
                trainable=f"{plan['trainable_parameters']:,}",
                share=f"{share:.2f}",
            ),
        ),
        ("precision", tr("cli.plan.precision_value", dtype=plan["dtype"], reason=plan["dtype_reason"])),
        ("memory", tr("cli.plan.memory_value", total=size(memory["total"]), parts=parts)),
    ]


def _rows(plan: dict[str, Any]) -> str:
    if plan["train_rows"] is None:
        return tr("cli.plan.rows_streamed", eval=plan["eval_rows"])
    text = tr(
        "cli.plan.rows_value", train=plan["train_rows"], eval=plan["eval_rows"], cut=plan["truncated_rows"]
    )
    return (
        text
        if plan["packed_rows"] is None
        else tr("cli.plan.rows_packed", rows=text, packed=plan["packed_rows"])
    )


def _tokens(plan: dict[str, Any]) -> str:
    if plan["tokens"] is None:
        return tr("cli.plan.tokens_streamed")
    return tr("cli.plan.tokens_value", tokens=f"{plan['tokens']:,}", trained=f"{plan['trained_tokens']:,}")
