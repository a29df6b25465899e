"""File and overrides in, one frozen config out, or every problem at once."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from conch.config.check import cross_checks
from conch.config.export import ExportConfig
from conch.config.keys import EXPORT_LATER, LATER, LATER_VALUES, NO_EFFECT, PASSTHROUGH
from conch.config.model import SECRETS
from conch.config.source import Given, read_file, read_words
from conch.config.train import NODES, TrainConfig
from conch.config.types import Float, Int, Node, Settings, Str, read_switch
from conch.core.errors import ConfigErrors, Problem
from conch.core.text import tr

ConfigT = TypeVar("ConfigT", bound=Node)
NodeT = TypeVar("NodeT", bound=Node)

FIELD_NODES: dict[str, str] = {
    field: node_name for node_name, node in NODES.items() for field in node.model_fields
}
"""Flat key to the node that holds it."""


@dataclass(frozen=True)
class Loaded:
    """A config, where each given value came from, and what the user should know about it."""

    config: TrainConfig
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


def known_keys() -> set[str]:
    return {*FIELD_NODES, *PASSTHROUGH, *LATER, *NO_EFFECT}


def load_train(
    file: Path | None = None, words: Iterable[str] = (), values: Mapping[str, Any] | None = None
) -> Loaded:
    """The training config of a file, with words of a command line and then `values` on top.

    Raises ConfigErrors with every problem, or UsageError where the file itself can't be read.
    """
    given = _gather(file, words, values)
    problems: list[Problem] = []
    warnings = _sort_out(given, problems)
    nodes = {name: _build(node, _part(name, given), problems) for name, node in NODES.items()}
    passthrough = _passthrough(given, problems)
    if not problems:
        config = TrainConfig(**nodes, passthrough=passthrough)
        problems.extend(cross_checks(config, {key: item.where for key, item in given.items()}))
    if problems:
        raise _errors(problems, given)
    return Loaded(config, {key: item.where for key, item in given.items()}, tuple(warnings))


def load_export(
    file: Path | None = None, words: Iterable[str] = (), values: Mapping[str, Any] | None = None
) -> ExportConfig:
    """The export config of a file and overrides. Keys that LLaMA-Factory's export files hold are known."""
    given = _gather(file, words, values)
    problems: list[Problem] = []
    for key in [key for key in given if key not in ExportConfig.model_fields]:
        item, later = given[key], EXPORT_LATER.get(key)
        if later is not None and not _asks_nothing(item.value, later.harmless):
            problems.append(Problem(key, item.value, tr(later.reason), item.where))
        elif key not in EXPORT_LATER and key not in known_keys():
            problems.append(_unknown(key, item, {*ExportConfig.model_fields, *EXPORT_LATER}))
    fields = {key: item for key, item in given.items() if key in ExportConfig.model_fields}
    config = _build(ExportConfig, fields, problems)
    if problems or config is None:
        raise _errors(problems, given)
    return config


def _errors(problems: Iterable[Problem], given: Mapping[str, Given]) -> ConfigErrors:
    """The problems in the order in which the keys were given, secrets unseen."""
    order = {key: place for place, key in enumerate(given)}
    told = sorted(problems, key=lambda problem: order.get(problem.key, len(order)))
    return ConfigErrors([replace(p, value="…") if p.key in SECRETS and p.value else p for p in told])


def _gather(file: Path | None, words: Iterable[str], values: Mapping[str, Any] | None) -> dict[str, Given]:
    given = read_file(file) if file is not None else {}
    given.update(read_words(words))
    python = tr("config.from_python")
    given.update({key: Given(value, python) for key, value in (values or {}).items()})
    return given


def _sort_out(given: Mapping[str, Given], problems: list[Problem]) -> list[str]:
    """Judge the keys that no node holds; returns warnings."""
    warnings = []
    for key, item in given.items():
        if key in NO_EFFECT:
            warnings.append(tr("config.no_effect", key=key, where=item.where, reason=tr(NO_EFFECT[key])))
        elif key in FIELD_NODES or key in PASSTHROUGH:
            problems.extend(_later_value(key, item))
            if FIELD_NODES.get(key) == "generation" and not _is_default(key, item.value):
                reason = tr("config.no_effect.generation")
                warnings.append(tr("config.no_effect", key=key, where=item.where, reason=reason))
        elif key not in LATER:
            problems.append(_unknown(key, item, known_keys()))
        elif not _asks_nothing(item.value, LATER[key].harmless):
            problems.append(Problem(key, item.value, tr(LATER[key].reason), item.where))
    return warnings


def _asks_nothing(value: Any, harmless: tuple[Any, ...]) -> bool:
    return _plain(value) in [_plain(item) for item in harmless]


def _plain(value: Any) -> Any:
    """One form for a word of a command line and for YAML's own value: `1`, `1.0` and "1" are alike."""
    word = str(value).strip().lower()
    if word in {"none", "null", "~"}:
        return "none"
    switch = read_switch(word)
    if isinstance(switch, bool):
        return str(switch)
    try:
        return float(word)
    except ValueError:
        return word


def _is_default(key: str, value: Any) -> bool:
    default = NODES[FIELD_NODES[key]].model_fields[key].default
    return value is None or _plain(value) == _plain(default)


def _later_value(key: str, item: Given) -> list[Problem]:
    reasons = LATER_VALUES.get(key, {})
    listed = item.value if isinstance(item.value, (list, tuple)) else str(item.value).split(",")
    for value in listed:
        reason = reasons.get(str(value).strip())
        if reason is not None:
            return [Problem(key, item.value, tr(reason), item.where)]
    return []


def _unknown(key: str, item: Given, known: set[str]) -> Problem:
    close = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.7)
    return Problem(key, item.value, tr("config.expect.known_key"), item.where, close[0] if close else "")


def _part(node_name: str, given: Mapping[str, Given]) -> dict[str, Given]:
    return {
        key: item for key, item in given.items() if FIELD_NODES.get(key) == node_name and key not in NO_EFFECT
    }


def _build(node: type[NodeT], given: Mapping[str, Given], problems: list[Problem]) -> NodeT | None:
    """The node, or None after noting each thing that is wrong with it.

    A key given as nothing (`null`) means its default.
    """
    values = {key: item.value for key, item in given.items() if item.value is not None}
    try:
        return node.model_validate(values)
    except ValidationError as error:
        already = {problem.key for problem in problems}
        for detail in error.errors():
            key = str(detail["loc"][0]) if detail["loc"] else ""
            if key in already:
                continue
            already.add(key)
            where = given[key].where if key in given else ""
            problems.append(_problem(key, detail, values.get(key), where))
        return None


def _passthrough(given: Mapping[str, Given], problems: list[Problem]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, kind in PASSTHROUGH.items():
        item = given.get(key)
        if item is None or item.value is None:
            continue
        try:
            values[key] = _adapter(kind).validate_python(item.value)
        except ValidationError as error:
            problems.append(_problem(key, error.errors()[0], item.value, item.where))
    return values


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Reads a value of `kind` with the conversions that our own keys have."""
    ours: dict[type, Any] = {dict: Settings, float: Float, int: Int, str: Str}
    return TypeAdapter[Any](ours.get(kind, kind))


def _problem(key: str, detail: ErrorDetails, value: Any, where: str) -> Problem:
    expected, suggestion = _expectation(detail, value)
    return Problem(key, value, expected, where, suggestion)


_EXPECTATIONS: dict[str, str] = {
    "bool_parsing": "bool",
    "bool_type": "bool",
    "dict_type": "mapping",
    "finite_number": "number",
    "float_parsing": "number",
    "float_type": "number",
    "int_from_float": "int",
    "int_parsing": "int",
    "int_type": "int",
    "list_type": "list",
    "missing": "given",
    "number_wanted": "number",
    "string_too_short": "given",
    "string_type": "text",
    "tuple_type": "list",
}
_BOUNDS: dict[str, str] = {
    "greater_than": "gt",
    "greater_than_equal": "ge",
    "less_than": "lt",
    "less_than_equal": "le",
}


def _expectation(detail: ErrorDetails, value: Any) -> tuple[str, str]:
    """What would have been right, in the reader's language, and the nearest choice to what was written."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _BOUNDS:
        short = _BOUNDS[kind]
        return tr(f"config.expect.{short}", bound=f"{context[short]:g}"), ""
    if kind == "literal_error":
        choices = [word.strip(" '") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
        close = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.5)
        return tr("config.expect.choice", choices=", ".join(choices)), close[0] if close else ""
    return tr(f"config.expect.{_EXPECTATIONS.get(kind, 'valid')}"), ""


def dump(config: TrainConfig) -> str:
    """The flat YAML of a config. `load_train` of it gives the same config (secrets aside)."""

    plain = json.loads(json.dumps(config.to_flat()))
    return str(yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


class _Dumper(yaml.SafeDumper):
    """Writes text with line ends in it between double quotes: PyYAML reads some back wrongly otherwise."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)
