"""`conch data …`: datasets that are known by name, what is wrong with one, and what it becomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conch.cli.common import dataset_dir_option, dataset_source_option, json_option
from conch.cli.counting import counting
from conch.cli.data_options import as_trained
from conch.cli.group import Group
from conch.cli.output import emit, say, whisper
from conch.core.text import tr

if TYPE_CHECKING:
    from conch.config.data import DataConfig
    from conch.core.notice import Notice
    from conch.data.dataset import Dataset
    from conch.data.measure import Measure
    from conch.data.reading import Opened

FORMATS = ("alpaca", "sharegpt", "openai", "pairwise", "kto", "text")


@click.group(cls=Group, help=tr("cli.data"))
def command() -> None:
    pass


@command.command("list", help=tr("cli.data.list"))
@dataset_dir_option
@json_option
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
@dataset_source_option
@json_option
def add(
    file: str,
    name: str | None,
    format_name: str | None,
    columns: tuple[str, ...],
    subset: str | None,
    split: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    from conch.data.describe import describe, register
    from conch.data.sources import by_place

    dataset = replace(by_place(file, subset, split), source=_checked(source))
    _tell_hub(dataset)
    description = describe(dataset, format_name, _roles(columns), _tell)
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
@json_option
def remove(name: str, as_json: bool) -> None:
    from conch.data import registry

    registry.remove(name)
    emit({"removed": name}) if as_json else say(tr("cli.data.removed", name=name))


@command.command("check", help=tr("cli.data.check"))
@click.argument("name")
@as_trained(model_required=False)
@click.option("--eval", "evaluated", metavar="NAME", help=tr("cli.data.eval"))
@click.option("--fix", "target", type=click.Path(path_type=Path), metavar="FOLDER", help=tr("cli.data.fix"))
@json_option
def check_command(
    name: str,
    model: str | None,
    asked: DataConfig,
    evaluated: str | None,
    target: Path | None,
    as_json: bool,
) -> int:
    from conch.cli.data_report import show_report
    from conch.data.check import check
    from conch.data.repair import refuse_target, repair

    opened = _opened(name, asked)
    if target is not None:
        refuse_target(target, opened)
    others = _opened(evaluated, asked) if evaluated else None
    measure = _measure(opened, model, asked) if model else None
    with counting() as told:
        report = check(opened, others, measure, told)
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
@as_trained(model_required=True)
@json_option
def stats_command(name: str, model: str, asked: DataConfig, as_json: bool) -> None:
    from conch.cli.data_report import show_stats
    from conch.data.stats import CUTOFFS, stats

    opened = _opened(name, asked)
    measure = _measure(opened, model, asked)
    with counting() as told:
        found = stats(opened, measure, told)
    cutoffs = sorted({*CUTOFFS, asked.cutoff_len})
    emit(found.to_dict(cutoffs)) if as_json else show_stats(found, cutoffs)


@command.command("preview", help=tr("cli.data.preview"))
@click.argument("name")
@as_trained(model_required=True)
@click.option(
    "--rows", default=3, show_default=True, type=click.IntRange(1), help=tr("cli.data.preview_rows")
)
@json_option
def preview(name: str, model: str, asked: DataConfig, rows: int, as_json: bool) -> None:
    from conch.cli.data_report import previewed, show_preview

    opened = _opened(name, asked)
    shown = previewed(opened, _measure(opened, model, asked), rows)
    emit(list(shown)) if as_json else show_preview(shown)


def _opened(name: str, asked: DataConfig) -> Opened:
    from conch.data.reading import open_dataset
    from conch.data.sources import asked_dataset

    _checked(asked.dataset_source)
    dataset = asked_dataset(name, asked)
    _tell_hub(dataset)
    return open_dataset(dataset, asked.default_system, _tell)


def _tell_hub(dataset: Dataset) -> None:
    """Say that a hub is asked, which may take a while."""
    if dataset.hubs:
        whisper(tr("cli.data.fetching", place=dataset.place))


def _checked(source: str | None) -> str | None:
    from conch.config.settings import check_source

    return check_source(source) if source else None


def _tell(notice: Notice) -> None:
    whisper(tr("cli.warning", message=notice.message))


def _measure(opened: Opened, model: str, asked: DataConfig) -> Measure:
    """The tokenizer and template of `model`, as its rows would be trained with them."""
    from conch.config.model import ModelConfig
    from conch.core.conversation import Document
    from conch.data.measure import Measure
    from conch.data.template import ChatTemplate
    from conch.models.load import load_tokenizer
    from conch.models.locate import Request, locate

    settings = ModelConfig(model_name_or_path=model, model_source=asked.dataset_source)
    tokenizer = load_tokenizer(locate(Request.of(settings, whisper)).folder, settings)
    if opened.format.sample is Document:
        return Measure(ChatTemplate.for_text(tokenizer), asked)
    chat = ChatTemplate.of(tokenizer, asked.template, asked.enable_thinking)
    for notice in chat.notices:
        _tell(notice)
    return Measure(chat, asked)
