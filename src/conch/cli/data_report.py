"""What `conch data check`, `stats` and `preview` show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import click

from conch.cli.layout import columns
from conch.cli.output import coloured, say
from conch.core.conversation import Document, Feedback, Preference
from conch.core.errors import DataError
from conch.core.text import tr
from conch.data.check import Report, severity_of
from conch.data.example import IGNORED, Example
from conch.data.measure import Measure
from conch.data.reading import STAGES, Opened, judged
from conch.data.rows import Sample
from conch.data.scripts import script_name
from conch.data.stats import Stats

_BAR = 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SHOWN = 10
"""Findings of one rule that are shown to a person; `--json` has more."""


# list


def show_list(entries: Sequence[dict[str, Any]]) -> None:
    heads = [tr(f"cli.data.list.{name}") for name in ("name", "format", "rows", "file")]
    rows = [
        [entry["name"], entry["format"] or "-", _known(entry["rows"]), entry["file"]] for entry in entries
    ]
    lines = list(columns([heads, *rows], right={2}))
    say(lines[0])
    for line, entry in zip(lines[1:], entries, strict=True):
        say(line)
        if entry["problem"]:
            say(click.style(f"  ✗ {entry['problem']}", fg="red"))


def _known(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


# check


def show_report(report: Report, name: str) -> None:
    _show_reading(report)
    for rule, findings in report.sorted():
        is_error = severity_of(rule) == "error"
        heading = "check.error" if is_error else "check.warning"
        remedy = findings[0].remedy
        say()
        say(
            click.style(
                tr(heading, rule=rule, count=report.counts[rule], remedy=remedy),
                fg="red" if is_error else "yellow",
            )
        )
        for found in findings[:_SHOWN]:
            say(f"    {found.message}")
        if report.counts[rule] > _SHOWN:
            say(tr("check.more", count=report.counts[rule] - _SHOWN))
    say()
    _show_verdict(report, name)


def _show_reading(report: Report) -> None:
    opened = report.opened
    told = ", ".join(f"{part} = {column}" for part, column in opened.columns.items())
    values = {"name": opened.dataset.name, "rows": report.rows, "format": opened.format.name}
    say(tr("check.read_as", **values, stage=STAGES[opened.format.sample], columns=told))
    found = opened.recognised
    if found is not None:
        say(tr("check.recognised", fitting=found.fitting, looked_at=found.looked_at))
    if report.unused:
        say(tr("check.unused", columns=", ".join(report.unused)))


def _show_verdict(report: Report, name: str) -> None:
    errors, warnings = report.total("error"), report.total("warning")
    if not errors and not warnings:
        say(click.style(tr("check.clean"), fg="green"))
    elif report.passed:
        say(click.style(tr("check.passed", warnings=warnings), fg="green"))
    else:
        say(click.style(tr("check.failed", errors=errors, warnings=warnings), fg="red"))
        say(tr("check.how_to_mend", name=name))


# stats


def show_stats(found: Stats, cutoffs: Sequence[int]) -> None:
    tokens = found.tokens()
    lines = {
        "rows": tr("cli.aside", text=found.rows, aside=found.format),
        "unread": str(found.unread) if found.unread else "",
        "turns": tr("cli.comma").join(
            tr("cli.data.stats.of_turns", turns=turns, rows=rows)
            for turns, rows in sorted(found.turns.items())
        ),
        "languages": tr("cli.comma").join(
            tr("cli.data.stats.of_script", script=script_name(script), rows=rows)
            for script, rows in found.languages.most_common()
        ),
        "tokens": str(tokens),
        "trained": tr("cli.aside", text=found.trained, aside=f"{100 * found.trained / tokens:.0f} %")
        if tokens
        else "0",
        "lengths": tr("cli.comma").join(_quantile(*item) for item in found.quantiles().items()),
    }
    for name, value in lines.items():
        if value:
            say(tr(f"cli.data.stats.{name}", value=value))
    bins = found.histogram()
    most = max((count for _, _, count in bins), default=1)
    say(tr("cli.data.stats.histogram"))
    for low, high, count in bins:
        say(f"  {low:>7}-{high:<7} {bar(count / most):<{_BAR}} {count}")
    say(tr("cli.data.stats.cutoffs"))
    for cutoff in cutoffs:
        cut = found.truncated(cutoff)
        share = 100 * cut / len(found.lengths) if found.lengths else 0
        say(f"  {cutoff:>7} {bar(share / 100):<{_BAR}} {cut} ({share:.1f} %)")


def _quantile(name: str, length: int) -> str:
    kind = name if name in {"min", "max"} else "other"
    return tr(f"cli.data.stats.quantile.{kind}", name=name, length=length)


def bar(share: float, width: int = _BAR) -> str:
    """A bar of `share` (0 to 1) of `width` characters, in steps of an eighth of one."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


# preview


def previewed(opened: Opened, measure: Measure, rows: int) -> Iterator[dict[str, Any]]:
    """The sequences of the first rows: their tokens, and which of them are trained. Raises DataError."""
    for sample in judged(opened, bound=rows):
        if isinstance(sample, DataError):
            raise sample
        examples = measure.examples(sample)
        for number, example in enumerate(examples):
            part = _part(sample, number, len(examples))
            whole = isinstance(sample, Document)  # goes on in the next block
            yield _tokens(example if whole else example.cut(measure.cutoff_len), measure, part)


def _tokens(example: Example, measure: Measure, part: str) -> dict[str, Any]:
    from conch.inference.detokenize import pieces_of

    origin = example.origin
    return {
        "file": origin.file if origin else "-",
        "row": origin.row if origin else 0,
        "part": part,
        "ids": example.input_ids,
        "tokens": pieces_of(measure.template.reader, example.input_ids),
        "trained": [label != IGNORED for label in example.labels],
        "truncated": example.truncated,
    }


def _part(sample: Sample, number: int, count: int) -> str:
    """Which part of a sample a sequence is."""
    match sample:
        case Preference():
            return "chosen" if number < count // 2 else "rejected"
        case Feedback():
            return "liked" if sample.liked else "disliked"
        case Document():
            return "text"
        case _:
            return "conversation"


def show_preview(shown: Iterable[dict[str, Any]]) -> None:
    spans = _in_colours if coloured() else _in_marks
    for entry in shown:
        trained = entry["trained"]
        values = {"row": entry["row"], "tokens": len(trained), "trained": sum(trained)}
        heading = tr("cli.data.preview_row", **values, part=tr(f"cli.data.part.{entry['part']}"))
        say(heading + (tr("cli.data.preview_cut") if entry["truncated"] else ""))
        pairs = zip(entry["tokens"], trained, strict=True)
        runs = groupby(pairs, key=itemgetter(1))
        say("".join(spans("".join(text for text, _ in run), on) for on, run in runs))


def _in_colours(text: str, trained: bool) -> str:
    return click.style(text, fg="green" if trained else "bright_black")


def _in_marks(text: str, trained: bool) -> str:
    return f"⟦{text}⟧" if trained else text
