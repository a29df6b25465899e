"""The tables: speed, ratios and shares of the machine's limit; starts."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping

from benchmarks.speed.products import KINDS
from benchmarks.speed.runs import Steps, median
from benchmarks.speed.settings import BEST_PEER, SETTINGS
from benchmarks.speed.task import Task

Runs = Mapping[str, list[Steps]]
Products = Mapping[str, float]
NEEDED: tuple[tuple[str, str, str, float], ...] = (
    ("conch-fp32", "llamafactory-defaults", "speed", 12.0),
    ("conch-fp32", "llamafactory-fp32", "speed", 3.0),
    ("conch-fp32", BEST_PEER, "speed", 1.7),
    ("conch-int8", BEST_PEER, "speed", 2.4),
    ("conch-fp32", BEST_PEER, "memory", 0.8),
    ("conch-fp32-packed", BEST_PEER, "speed", 1.7),
    ("conch-int8-packed", BEST_PEER, "speed", 2.4),
    ("conch-fp32-packed", BEST_PEER, "memory", 0.8),
)
"""Ours, over whose, in what, and what we claim: at least so much speed, at most so much memory."""
NEEDED_SHARE = 0.65
COLUMNS = {"tok/s": 7, "whole": 7, "limit": 6, "peak MB": 8, "loss": 8, "steps": 5, "tokens": 7, "trained": 7}
"""Of the table, and how wide each is."""


def table(task: Task, runs: Runs, products: Products) -> Iterator[str]:
    """All figures of a set of rows, line by line."""
    common = min(run.labels() for found in runs.values() for run in found)
    yield " ".join([f"{'':<62}", *(f"{head:>{width}}" for head, width in COLUMNS.items())])
    for name, found in runs.items():
        cells = zip(cells_of(name, found, common, products), COLUMNS.values(), strict=True)
        yield " ".join([f"{SETTINGS[name].title:<62}", *(f"{cell:>{width}}" for cell, width in cells)])
    yield ""
    yield "tok/s: real tokens a second behind the first step; whole: from begin to end of the training."
    yield f"loss: per trained token over the first {common:,} of them (~ other rows, unless all were read)."
    yield f"{len(task.lengths)} rows, {sum(task.lengths):,} tokens, about {task.batch_tokens():,} a batch."
    yield "Versions: " + "; ".join(dict.fromkeys(versions(found[0]) for found in runs.values()))


def cells_of(name: str, found: list[Steps], common: int, products: Products) -> Iterator[str]:
    """A line's figures, as COLUMNS names them."""
    setting, first = SETTINGS[name], found[0]
    yield f"{median(found, 'rate'):.1f}"
    yield f"{median(found, 'whole_rate'):.1f}"
    yield f"{median(found, 'rate') / limit(products, setting.multiplies, first):.0%}"
    yield f"{peak_of(found) / 1e6:,.0f}" if first.peak else "-"
    yield f"{'~' if setting.packs else ''}{median(found, 'loss', common):.4f}"
    yield from (f"{len(first.steps)}", f"{first.tokens():,}", f"{first.labels():,}")


def versions(run: Steps) -> str:
    return " ".join(f"{name} {version}" for name, version in sorted(run.versions.items()))


def peak_of(found: list[Steps]) -> float:
    return statistics.median(run.peak or 0 for run in found)


def limit(products: Products, kind: str, run: Steps) -> float:
    """Real tokens a second if all products ran at the measured speed and nothing else took time."""
    share = run.labels() / run.tokens()
    return products[kind] / (4 * (products["body"] + products["head"] * share))


def product_lines(products: Products, run: Steps) -> Iterator[str]:
    """The machine's speed, and the limit that comes of it."""
    yield f"\nMatrix products at this model's shapes, {products['threads']:.0f} threads:"
    for kind in filter(products.__contains__, KINDS):
        yield f"  {kind} {products[kind] / 1e9:8.0f} Gop/s, limit {limit(products, kind, run):7.0f} tok/s"


def claims(runs: Runs, products: Products) -> Iterator[tuple[str, bool]]:
    """Each claim in words, and whether it holds."""
    for ours, theirs, what, needed in NEEDED:
        if ours not in runs or theirs not in runs:
            continue
        ratio, holds = _compared(runs[ours], runs[theirs], what, needed)
        bound = f"{'at least' if what == 'speed' else 'at most'} {needed:g}"
        yield f"{ours} over {theirs}, {what}: {ratio:.2f} ({bound})", holds
    if "conch-fp32" in runs:
        found = runs["conch-fp32"]
        share = median(found, "rate") / limit(products, "fp32", found[0])
        yield (
            f"conch-fp32, share of the fp32 limit: {share:.2f} (at least {NEEDED_SHARE:g})",
            share >= NEEDED_SHARE,
        )


def _compared(ours: list[Steps], theirs: list[Steps], what: str, needed: float) -> tuple[float, bool]:
    if what == "memory":
        ratio = peak_of(ours) / max(peak_of(theirs), 1)
        return ratio, ratio <= needed
    ratio = statistics.median(one.rate() / other.rate() for one, other in zip(ours, theirs, strict=True))
    return ratio, ratio >= needed


def start_lines(found: Mapping[str, list[float]]) -> Iterator[tuple[str, bool]]:
    """The first start by itself, since it finds no caches; the median of the others."""
    again = {tool: statistics.median(seconds[1:] or seconds) for tool, seconds in found.items()}
    ratio = again["conch"] / again["llamafactory"]
    for tool, seconds in found.items():
        yield f"{tool:<13} first {seconds[0]:6.2f} s, then {again[tool]:6.2f} s", True
    yield f"conch over llamafactory, time from command to first step: {ratio:.2f} (at most 0.5)", ratio <= 0.5
