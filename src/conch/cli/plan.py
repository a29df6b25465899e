"""`conch train --dry-run`: the resolved config, where its values came from, and what would happen."""

from __future__ import annotations

from typing import Any

from conch.cli.output import emit, plain, say, size, whisper
from conch.config.load import Loaded
from conch.core.text import tr


def show_plan(loaded: Loaded, *, as_json: bool) -> None:
    from conch.submit import check
    from conch.training.plan import make_plan

    check(loaded.config)
    plan = make_plan(loaded.config)
    for warning in plan.warnings:
        whisper(tr("cli.warning", message=warning))
    config = loaded.config.to_flat()
    if as_json:
        emit({"config": config, "origins": dict(loaded.origins), "plan": plan.to_dict()})
        return
    say(tr("cli.plan.config"))
    for key, value in config.items():
        where = loaded.origins.get(key)
        say(f"  {key}: {plain(value)}" + (f"    # {where}" if where else ""))
    say()
    say(tr("cli.plan.plan"))
    for name, value in _lines(plan.to_dict()):
        say(f"  {tr(f'cli.plan.{name}')}: {value}")


def _lines(plan: dict[str, Any]) -> list[tuple[str, str]]:
    memory = plan["memory"]
    parts = ", ".join(
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
