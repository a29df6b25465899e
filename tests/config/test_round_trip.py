"""`load(dump(config)) == config` over random configs, and what a dump never holds."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from annotated_types import Ge, Gt, Le
from hypothesis import given, settings
from hypothesis import strategies as st

from conch.config import load, load_train
from conch.config.keys import PASSTHROUGH
from conch.config.load import dump
from conch.config.model import SECRETS
from conch.config.optimisation import LR_SCHEDULERS
from conch.config.train import NODES, TrainConfig
from conch.config.types import Node
from conch.core.errors import Problem
from tests.properties import quick, texts

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)
PLAIN = st.none() | st.booleans() | st.integers(-1000, 1000) | NUMBERS | texts
MAPPINGS = st.dictionaries(texts, PLAIN | st.lists(PLAIN, max_size=2), max_size=3)
BY_KIND: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    str: texts
    | st.sampled_from(["no", "yes", "null", "~", "007", "1e3", "2024-01-31", "1_0", "- a", "a: b"]),
    dict: MAPPINGS,
    list: st.lists(texts, max_size=2),
}
SPECIAL = {
    "model_name_or_path": texts.filter(bool),
    "lr_scheduler_type": st.sampled_from(LR_SCHEDULERS),
    "stage": st.just("sft"),
    "dataset": st.lists(texts, min_size=1, max_size=2),
    "report_to": st.sampled_from([["none"], ["all"], ["wandb", "mlflow"]]),
}


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that an annotation takes, within its bounds."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _bounded(parts[0], parts[1:])
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        return st.lists(values_of(parts[0]), max_size=3)
    if origin is dict:
        return MAPPINGS
    if annotation is type(None):
        return st.none()
    if parts:  # a union
        return st.one_of([values_of(part) for part in parts])
    return BY_KIND[annotation]


def _bounded(kind: Any, notes: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if kind not in (int, float):
        return values_of(kind)
    bounds = [bound for note in notes for bound in getattr(note, "metadata", [note])]
    low = max([bound.ge for bound in bounds if isinstance(bound, Ge)], default=-100)
    low = max([bound.gt + 1e-6 for bound in bounds if isinstance(bound, Gt)], default=low)
    high = min([bound.le for bound in bounds if isinstance(bound, Le)], default=100)
    return st.integers(low, high) if kind is int else st.floats(low, high) | st.sampled_from([high, 1e-6])


def _strategy(key: str, hint: Any, node: type[Node]) -> st.SearchStrategy[Any]:
    """Values of one key. None means the default, so it is only drawn where it is the default."""
    found = SPECIAL[key] if key in SPECIAL else values_of(hint)
    return found if node.model_fields[key].default is None else found.filter(lambda value: value is not None)


def _node(node: type[Node]) -> st.SearchStrategy[Node]:
    hints = typing.get_type_hints(node, include_extras=True)
    keys = [key for key in node.model_fields if key not in SECRETS]
    required = [key for key in keys if node.model_fields[key].is_required()]
    strategies = {key: _strategy(key, hints[key], node) for key in keys}
    return st.fixed_dictionaries(
        {key: strategies[key] for key in required},
        optional={key: strategies[key] for key in keys if key not in required},
    ).map(node.model_validate)


PASSED = st.fixed_dictionaries(
    {},
    optional={
        key: {**BY_KIND, int: st.integers(0, 9), float: NUMBERS}[kind]
        for key, kind in PASSTHROUGH.items()
        if kind is not dict
    },
)
CONFIGS = st.builds(TrainConfig, passthrough=PASSED, **{name: _node(node) for name, node in NODES.items()})


@pytest.fixture
def no_rules_between_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random settings contradict one another, which is another test's matter."""
    monkeypatch.setattr(load, "cross_checks", lambda nodes, where: [])


@settings(quick, max_examples=25)
@given(config=CONFIGS)
def test_a_dumped_config_loads_as_the_same_config(
    tmp_path: Path, no_rules_between_keys: None, config: TrainConfig
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(dump(config), encoding="utf-8")
    loaded = load_train(file)
    assert loaded.config == config
    assert set(loaded.origins) == set(config.to_flat()), "every key has a place"


def test_the_dump_of_plain_settings_warns_of_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(dump(load_train(values={"model_name_or_path": "m", "dataset": "d"}).config))
    assert load_train(file).warnings == ()


def test_a_dump_is_complete_and_flat() -> None:
    config = load_train(values={"model_name_or_path": "m", "dataset": "a,b", "tf32": True}).config
    flat = yaml.safe_load(dump(config))
    fields = {key for node in NODES.values() for key in node.model_fields}
    assert set(flat) == fields - SECRETS | {"tf32"}
    assert flat["dataset"] == ["a", "b"]


def test_keys_are_dumped_in_one_order_however_they_were_given() -> None:
    keys = {"model_name_or_path": "m", "dataset": "d", "tf32": True, "use_cpu": True, "adam_beta1": 0.8}
    backwards = dict(reversed(keys.items()))
    assert dump(load_train(values=keys).config) == dump(load_train(values=backwards).config)


@pytest.mark.parametrize("key", sorted(SECRETS))
def test_a_secret_is_never_shown(key: str) -> None:
    secret = "hf_DoNotShow"
    try:
        config = load_train(values={"model_name_or_path": "m", "dataset": "d", key: secret}).config
    except Exception as error:
        told = [str(error), repr(error), str(getattr(error, "to_dict", dict)())]
        assert key in told[0], "refused, and says so"
    else:
        told = [dump(config), repr(config), str(config), str(config.to_flat())]
        assert config.to_flat(secrets=True)[key] == secret
    assert not any(secret in text for text in told)


def test_an_error_elsewhere_does_not_show_the_secret() -> None:
    problem = Problem("hf_hub_token", ["x"], "text")
    assert problem.key in SECRETS
    with pytest.raises(Exception, match="hf_hub_token") as error:
        load_train(values={"model_name_or_path": "m", "dataset": "d", "hf_hub_token": ["hf_DoNotShow"]})
    assert "hf_DoNotShow" not in str(error.value)


@pytest.mark.parametrize("key", ["lora_rank", "model", "data"])
def test_a_config_never_changes(key: str) -> None:
    config = load_train(values={"model_name_or_path": "m", "dataset": "d"}).config
    with pytest.raises(Exception, match="frozen"):
        setattr(config.lora if key == "lora_rank" else config, key, 1)
