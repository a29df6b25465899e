"""Examples in flat arrays and in files: the same examples come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.core.conversation import Origin
from conch.data.cache import BROKEN
from conch.data.example import IGNORED, Example
from conch.data.tokens import Collector, Examples, flatten
from tests.properties import quick


@st.composite
def examples(draw: st.DrawFn) -> Example:
    ids = draw(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=9))
    on = draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
    labels = [token if trained else IGNORED for token, trained in zip(ids, on, strict=True)]
    place = st.builds(Origin, st.sampled_from(["a.json", "b/海.json"]), st.integers(1, 10**6))
    return Example(ids, labels, draw(st.none() | place), draw(st.booleans()))


LISTS = st.lists(examples(), max_size=8)


@quick
@given(LISTS)
def test_what_goes_in_comes_out(found: list[Example]) -> None:
    flat = Examples.of(found)
    assert list(flat) == found
    assert flat == Examples.of(found)
    assert flat.lengths() == [len(example) for example in found]
    assert flat.trained_counts() == [example.trained() for example in found]
    assert flat.truncated() == sum(example.truncated for example in found)
    assert flat[1:] == found[1:]
    assert [flat[-i] for i in range(1, len(found) + 1)] == found[::-1]
    with pytest.raises(IndexError):
        flat[len(found)]


@quick
@given(LISTS)
def test_a_file_gives_back_what_was_saved(tmp_path: Path, found: list[Example]) -> None:
    file = tmp_path / "examples.safetensors"
    Examples.of(found).save(file)
    assert list(Examples.open(file)) == found


@quick
@given(LISTS, LISTS)
def test_portions_add_up(one: list[Example], two: list[Example]) -> None:
    collected = Collector()
    collected.add(flatten(one))
    collected.add(flatten(two))
    assert list(collected.examples()) == one + two


def test_a_file_is_read_by_the_safetensors_library(tmp_path: Path) -> None:
    from safetensors import safe_open

    Examples.of([Example([5, 6], [IGNORED, 6]), Example([7], [7])]).save(tmp_path / "x.safetensors")
    with safe_open(str(tmp_path / "x.safetensors"), "np") as file:
        assert file.get_tensor("ids").tolist() == [5, 6, 7]
        assert file.get_tensor("trained").tolist() == [0, 1, 1]
        assert file.get_tensor("starts").tolist() == [0, 2, 3]


def test_a_file_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    Examples.of([Example([5, 6], [IGNORED, 6])] * 9).save(file)
    whole = file.read_bytes()
    for size in (0, 4, 30, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:size])
        with pytest.raises(BROKEN):
            list(Examples.open(file))


def test_examples_take_little_memory() -> None:
    import tracemalloc

    tracemalloc.start()
    collected = Collector()
    for _ in range(20):
        collected.add(flatten(Example(list(range(1000, 1200)), [IGNORED] * 200) for _ in range(100)))
    flat = collected.examples()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert sum(flat.lengths()) == 400_000
    assert used < 8 * 400_000
