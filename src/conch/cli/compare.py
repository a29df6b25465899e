"""`conch compare A [B]`: two models on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conch.cli.common import dataset_dir_option, json_option
from conch.cli.group import Command
from conch.cli.layout import fold
from conch.cli.output import emit, say, whisper
from conch.core import env
from conch.core.errors import UsageError
from conch.core.files import expanded
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.evaluation.compare import Comparison

ENGINES = ("transformers", "llamacpp", "auto")
METRICS = ("rouge-l", "f1", "bleu-4", "chrf", "exact_match", "loss")
SHOWN = 5
"""Rows that got worse, in the terminal; the report has all."""


@click.command(cls=Command, help=tr("cli.compare"))
@click.argument("a")
@click.argument("b", required=False)
@click.option("--prompts", metavar="FILE", help=tr("cli.compare.prompts"))
@click.option("--dataset", metavar="NAME", help=tr("cli.compare.dataset"))
@dataset_dir_option
@click.option("--max-samples", type=click.IntRange(1), help=tr("cli.compare.max_samples"))
@click.option("--max-new-tokens", type=click.IntRange(1), help=tr("cli.compare.max_new_tokens"))
@click.option("--metric", type=click.Choice(METRICS), help=tr("cli.compare.metric"))
@click.option("--template", help=tr("keys.template"))
@click.option("--thinking/--no-thinking", "enable_thinking", default=None, help=tr("keys.enable_thinking"))
@click.option("--trust-remote-code", is_flag=True, help=tr("keys.trust_remote_code"))
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default="transformers",
    show_default=True,
    help=tr("cli.compare.engine"),
)
@click.option("--judge", metavar="URL", help=tr("cli.compare.judge"))
@click.option("--judge-model", metavar="NAME", help=tr("cli.compare.judge_model"))
@click.option("--to", metavar="FOLDER", help=tr("cli.compare.to"))
@click.option("--seed", default=42, show_default=True, type=click.IntRange(0), help=tr("cli.compare.seed"))
@json_option
def command(a: str, b: str | None, to: str | None, as_json: bool, **asked: Any) -> None:
    from conch.config import build
    from conch.config.compare import CompareConfig, JudgeConfig, ReadingConfig, RowsConfig

    if asked["prompts"] and asked["dataset"]:
        raise UsageError("evaluation.two_sources")
    if bool(asked["judge"]) != bool(asked["judge_model"]):
        raise UsageError("evaluation.judge_half")
    target = _target(to)
    judge = {"url": asked.pop("judge"), "model": asked.pop("judge_model"), "api_key": env.judge_key()}
    values = {
        "rows": build(RowsConfig, _of(RowsConfig, asked)),
        "reading": build(ReadingConfig, _of(ReadingConfig, asked)),
        "judge": build(JudgeConfig, judge) if judge["url"] else None,
        "metric": asked["metric"],
        "seed": asked["seed"],
    }
    if b is None:
        from conch.evaluation.opening import base_of

        a, b = base_of(a), a
    config = build(CompareConfig, {"a": a, "b": b, **values})

    from conch.evaluation.compare import compare, write
    from conch.evaluation.forgetting import tell_run

    found = compare(config, _tell, whisper)
    if target is not None:
        write(found, target)
    if found.forgetting:
        tell_run(found.forgetting, config.b)
    if as_json:
        emit({**found.to_dict(), "folder": str(target) if target else None})
        return
    _say(found, target)


def _of(node: Any, asked: dict[str, Any]) -> dict[str, Any]:
    return {name: asked[name] for name in node.model_fields if name in asked}


def _target(to: str | None) -> Path | None:
    """Refused before the work, not after it."""
    if to is None:
        return None
    folder = expanded(to).absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("evaluation.target_exists", folder=folder)
    return folder


def _tell(doing: str, done: int, total: int) -> None:
    whisper(tr(f"evaluation.doing.{doing}", done=done, total=total))


def _say(found: Comparison, target: Path | None) -> None:
    from conch.evaluation.compare import PAGE
    from conch.evaluation.report import summary

    for side, name in (("A", found.a), ("B", found.b)):
        say(tr("evaluation.compare.side", side=side, name=name))
    for line in summary(found.to_dict()):
        say(line)
    forgot = found.forgetting
    if forgot:
        for area in (*forgot.areas, forgot.whole):
            facts = {**vars(area), "area": tr(f"evaluation.area.{area.name}")}
            say(tr("evaluation.forgot.line", **facts))
        finding = forgot.finding()
        if finding:
            say(fold(tr("cli.warning", message=finding.message), 2))
    elif found.marks is None and found.judged is None:
        say(tr("evaluation.compare.none"))
    _say_worse(found)
    if target is not None:
        say(tr("evaluation.compare.written", page=target / PAGE))


def _say_worse(found: Comparison) -> None:
    worse = found.worse()
    if worse:
        say(tr("evaluation.compare.worst", count=len(worse)))
    for row in worse[:SHOWN]:
        say(tr("evaluation.compare.asked", row=row.row, prompt=_one_line(row.prompt)))
        for side, said in (("A", row.a), ("B", row.b)):
            say(tr("evaluation.compare.answer", side=side, text=_one_line(said.text)))
    if len(worse) > SHOWN:
        say(tr("evaluation.compare.more", count=len(worse) - SHOWN))


def _one_line(text: str, most: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
