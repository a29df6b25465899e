"""Events survive their JSON form, and lines of other versions do no harm."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conch.core import events
from conch.core.events import KINDS, Event, from_dict
from tests.properties import quick, texts

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
BY_TYPE = {
    "float": NUMBERS,
    "int": st.integers(),
    "str": texts,
    "dict[str, float]": st.dictionaries(texts, NUMBERS, min_size=1),
    "dict[str, list[int]]": st.dictionaries(texts, st.lists(st.integers()), min_size=1),
    "dict[str, Any]": st.dictionaries(texts, st.none() | st.booleans() | NUMBERS | texts, min_size=1),
}


def values_of(cls: type[Event]) -> st.SearchStrategy[dict[str, object]]:
    """Keyword arguments for `cls`: its required fields, and some of the others."""
    required, optional = {}, {}
    for field in dataclasses.fields(cls):
        kind = str(field.type).removesuffix(" | None")
        (required if field.default is dataclasses.MISSING else optional)[field.name] = BY_TYPE[kind]
    return st.fixed_dictionaries(required, optional=optional)


ANY_EVENT = st.sampled_from(list(KINDS.values())).flatmap(
    lambda cls: st.builds(lambda values: cls(**values), values_of(cls))
)


def test_the_docs_name_every_event_with_its_values() -> None:
    page = (Path(__file__).parents[2] / "docs/architecture.md").read_text(encoding="utf-8")
    table = page.partition("| kind | says | values |")[2].partition("\n\n")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    told = {kind.strip("`"): re.findall(r"`(\w+)`", "".join(rest[1:])) for kind, *rest in cells}
    assert told == {
        kind: [field.name for field in dataclasses.fields(cls) if field.name != "t"]
        for kind, cls in KINDS.items()
    }


@quick
@given(ANY_EVENT)
def test_an_event_survives_one_line_of_json(event: Event) -> None:
    line = json.dumps(event.to_dict(), ensure_ascii=False)
    assert "\n" not in line
    assert from_dict(json.loads(line)) == event


@quick
@given(ANY_EVENT)
def test_time_and_kind_stand_first_and_unknown_values_are_left_out(event: Event) -> None:
    data = event.to_dict()
    assert list(data)[:2] == ["t", "kind"]
    assert data["kind"] == event.kind
    assert None not in data.values()


@quick
@given(ANY_EVENT, st.dictionaries(texts.map("later_{}".format), st.integers()))
def test_fields_of_a_later_version_are_passed_over(event: Event, more: dict[str, int]) -> None:
    assert from_dict({**event.to_dict(), **more}) == event


@quick
@given(ANY_EVENT, st.data())
def test_a_line_that_lacks_a_needed_value_is_no_event(event: Event, data: st.DataObject) -> None:
    needed = [f.name for f in dataclasses.fields(event) if f.default is dataclasses.MISSING]
    line = event.to_dict()
    del line[data.draw(st.sampled_from(needed))]
    assert from_dict(line) is None


@pytest.mark.parametrize("kind", ["", "celebrated", None, 7, ["metrics"], {"a": 1}])
def test_unknown_kinds_are_no_events(kind: object) -> None:
    assert from_dict({"t": 1.0, "kind": kind}) is None
    assert from_dict({"t": 1.0}) is None


def test_the_kinds_are_those_that_scripts_rely_on() -> None:
    promised = "queued started phase metrics checkpoint sample warning removed paused continued diagnosis"
    assert " ".join(KINDS) == f"{promised} finished failed stopped"


def test_every_event_class_is_in_the_table() -> None:
    defined = {cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event)}
    assert defined - {Event} == set(KINDS.values())


def test_figures_are_those_of_the_product_page() -> None:
    metrics = {"step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm"}
    metrics |= {"tokens", "tokens_per_second", "eta_seconds", "memory_bytes"}
    finished = {"train_seconds", "tokens", "tokens_per_second", "loss", "eval_loss"}
    assert metrics <= set(typing.get_type_hints(events.Metrics))
    assert finished <= set(typing.get_type_hints(events.Finished))


def test_events_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        events.Queued(t=1.0).t = 2.0  # type: ignore[misc]
