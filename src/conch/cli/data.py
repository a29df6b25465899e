"""`conch data …`: datasets that are known by name, what is wrong with one, and what it becomes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from conch.cli.group import Group
from conch.cli.output import emit, say, whisper
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.data.measure import Measure
    from conch.data.reading import Opened

F = TypeVar("F", bound=Callable[..., Any])

_json = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))
_dataset_dir = click.option("--dataset-dir", help=tr("keys.dataset_dir"))
_template = click.option("--template", help=tr("keys.template"))
_cutoff = click.option(
    "--cutoff-len", default=2048, show_default=True, type=click.IntRange(1), help=tr("keys.cutoff_len")
)
FORMATS = ("alpaca", "sharegpt", "openai", "pairwise", "kto", "text")


def _model(required: bool) -> Callable[[F], F]:
    return click.option("--model", required=required, help=tr("keys.model_name_or_path"))


@click.group(cls=Group, help=tr("cli.data"))
def command() -> None:
    pass


@command.command("list", help=tr("cli.data.list"))
@_dataset_dir
@_json
def list_command(dataset_dir: str | None, as_json: bool) -> None:
    from conch.cli.data_report import show_list
    from conch.data.listing import listed

    entries = [entry.to_dict() for entry in listed(dataset_dir)]
    emit(entries) if as_json else show_list(entries)


@command.command("add", help=tr("cli.data.add"))
@click.argument("file")
@click.option("--name", help=tr("cli.data.name"))
@click.option("--format", "format_name", type=click.Choice(FORMATS), help=tr("cli.data.format"))
@click.option("--column", "columns", multiple=True, metavar="ROLE=COLUMN", help=tr("cli.data.column"))
@click.option("--subset", help=tr("cli.data.subset"))
@click.option("--split", help=tr("cli.data.split"))
@_json
def add(
    file: str,
    name: str | None,
    format_name: str | None,
    columns: tuple[str, ...],
    subset: str | None,
    split: str | None,
    as_json: bool,
) -> None:
    from conch.data.describe import describe, register
    from conch.data.sources import by_place

    dataset = by_place(file, subset, split)
    description = describe(dataset, format_name, _roles(columns))
    chosen = name or dataset.name.rpartition("/")[2]
    register(chosen, description)
    if as_json:
        emit({"name": chosen, "description": description})
    else:
        told = ", ".join(f"{part} = {column}" for part, column in description["columns"].items() if column)
        say(tr("cli.data.added", name=chosen, columns=told))


def _roles(columns: tuple[str, ...]) -> dict[str, str]:
    """`role=column` words as a mapping; `role=` says that there is none. Raises UsageError."""
    from conch.core.errors import UsageError
    from conch.data.layout import PARTS

    roles = {}
    for given in columns:
        role, sign, column = given.partition("=")
        if role not in PARTS or not sign:
            raise UsageError("data.bad_column", given=given, known=", ".join(sorted(PARTS)))
        roles[role] = column
    return roles


@command.command("remove", help=tr("cli.data.remove"))
@click.argument("name")
@_json
def remove(name: str, as_json: bool) -> None:
    from conch.data import registry

    registry.remove(name)
    emit({"removed": name}) if as_json else say(tr("cli.data.removed", name=name))


@command.command("check", help=tr("cli.data.check"))
@click.argument("name")
@_model(required=False)
@_template
@_cutoff
@click.option("--eval", "evaluated", metavar="NAME", help=tr("cli.data.eval"))
@click.option("--fix", "target", type=click.Path(path_type=Path), metavar="FOLDER", help=tr("cli.data.fix"))
@_dataset_dir
@_json
def check_command(
    name: str,
    model: str | None,
    template: str | None,
    cutoff_len: int,
    evaluated: str | None,
    target: Path | None,
    dataset_dir: str | None,
    as_json: bool,
) -> int:
    from conch.cli.data_report import show_report
    from conch.data.check import check
    from conch.data.repair import refuse_target, repair

    opened = _opened(name, dataset_dir)
    if target is not None:
        refuse_target(target, opened)
    others = _opened(evaluated, dataset_dir) if evaluated else None
    report = check(opened, others, _measure(opened, model, template, cutoff_len) if model else None)
    if not as_json:
        show_report(report, name)
    repaired = repair(report, target) if target is not None else None
    if as_json:
        emit({**report.to_dict(), "fixed": repaired and repaired.to_dict()})
    elif repaired:
        say(tr("check.mended", **repaired.to_dict()))
    return 0 if report.passed else 1


@command.command("stats", help=tr("cli.data.stats"))
@click.argument("name")
@_model(required=True)
@_template
@_cutoff
@_dataset_dir
@_json
def stats_command(
    name: str, model: str, template: str | None, cutoff_len: int, dataset_dir: str | None, as_json: bool
) -> None:
    from conch.cli.data_report import show_stats
    from conch.data.stats import CUTOFFS, stats

    opened = _opened(name, dataset_dir)
    found = stats(opened, _measure(opened, model, template, cutoff_len))
    cutoffs = sorted({*CUTOFFS, cutoff_len})
    emit(found.to_dict(cutoffs)) if as_json else show_stats(found, cutoffs)


@command.command("preview", help=tr("cli.data.preview"))
@click.argument("name")
@_model(required=True)
@_template
@click.option(
    "--rows", default=3, show_default=True, type=click.IntRange(1), help=tr("cli.data.preview_rows")
)
@_dataset_dir
@_json
def preview(
    name: str, model: str, template: str | None, rows: int, dataset_dir: str | None, as_json: bool
) -> None:
    from conch.cli.data_report import previewed, show_preview

    opened = _opened(name, dataset_dir)
    measure = _measure(opened, model, template)
    shown = previewed(opened, measure, rows)
    emit(list(shown)) if as_json else show_preview(shown)


def _opened(name: str, dataset_dir: str | None) -> Opened:
    from conch.data.reading import open_dataset
    from conch.data.sources import find_dataset

    return open_dataset(find_dataset(name, dataset_dir))


def _measure(opened: Opened, model: str, template: str | None, cutoff_len: int = 2048) -> Measure:
    """The tokenizer and template of `model`, as its rows would be trained with them."""
    from conch.config.model import ModelConfig
    from conch.core.conversation import Document
    from conch.data.measure import Measure
    from conch.data.template import ChatTemplate
    from conch.models.load import load_tokenizer
    from conch.models.locate import Request, locate

    settings = ModelConfig(model_name_or_path=model)
    tokenizer = load_tokenizer(locate(Request.of(settings, whisper)).folder, settings)
    plain = opened.format.sample is Document
    chat = ChatTemplate.for_text(tokenizer) if plain else ChatTemplate.of(tokenizer, template)
    for notice in chat.notices:
        whisper(tr("cli.warning", message=notice.message))
    return Measure(chat, cutoff_len)
