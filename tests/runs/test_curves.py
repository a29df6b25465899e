"""Curves are read once and on, and thinned without losing what stands out."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from conch.runs import Run
from conch.runs.curves import KEPT, Curves, Shelf, thinned


def metric(step: int, loss: float) -> str:
    return json.dumps({"t": 1.0, "kind": "metrics", "step": step, "loss": loss}) + "\n"


def run_of(folder: Path, text: str) -> Run:
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(text, encoding="utf-8")
    return Run(folder)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=3000), st.integers(10, 200))
def test_thinned_curves_keep_their_ends_and_extremes(values: list[float], most: int) -> None:
    points = [(float(step), value) for step, value in enumerate(values)]
    kept = thinned(points, most)
    assert len(kept) <= max(most, 1)
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert [step for step, _ in kept] == sorted({step for step, _ in kept})
    assert max(value for _, value in kept) == max(values)
    assert min(value for _, value in kept) == min(values)


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", metric(1, 3.0) + metric(2, 2.5))
    curves = Curves(run)
    assert curves.read_on()
    assert not curves.read_on()
    half = metric(3, 2.0)
    with run.events_path.open("a", encoding="utf-8") as file:
        file.write(half[:10])
        file.flush()
        assert not curves.read_on(), "half a line is not read"
        file.write(half[10:])
    assert curves.read_on()
    assert curves.shown()["loss"] == [(1, 3.0), (2, 2.5), (3, 2.0)]


def test_a_resumed_run_goes_back_to_its_checkpoint(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", metric(1, 3.0) + metric(2, 9.0) + metric(3, 9.5) + metric(2, 2.5))
    curves = Curves(run)
    curves.read_on()
    assert curves.shown()["loss"] == [(1, 3.0), (2, 2.5)]


def test_the_shelf_is_bounded(tmp_path: Path) -> None:
    shelf = Shelf()
    first = run_of(tmp_path / "first", metric(1, 1.0))
    found = shelf.curves(first)
    assert shelf.curves(first) is found
    for number in range(KEPT):
        shelf.curves(run_of(tmp_path / str(number), metric(1, 1.0)))
    assert shelf.curves(first) is not found
