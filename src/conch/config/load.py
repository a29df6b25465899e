"""File and overrides in, one frozen config out, or every problem at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from conch.config.check import cross_checks, source_problems
from conch.config.export import ExportConfig
from conch.config.keys import (
    EXPORT_LATER,
    EXPORT_NO_EFFECT,
    LATER,
    LATER_VALUES,
    NO_EFFECT,
    PASSTHROUGH,
    TRAIN_NO_EFFECT,
    Later,
)
from conch.config.output import ANSWER_TOKENS
from conch.config.source import Given, read_file, read_words
from conch.config.train import NODES, TrainConfig
from conch.config.types import read_switch
from conch.config.values import fill, refuse, unknown, value_of
from conch.core.errors import Problem
from conch.core.text import tr

FIELD_NODES: dict[str, str] = {
    field: node_name for node_name, node in NODES.items() for field in node.model_fields
}
"""Flat key to the node that holds it."""
ANSWERING = frozenset({"generation", "prediction"})
"""Nodes that say how answers are made: nobody reads them in a run without `do_predict`."""


@dataclass(frozen=True)
class Loaded:
    """A config, where each given value came from, and what the user should know about it."""

    config: TrainConfig
    origins: Mapping[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LoadedExport:
    """An export config, and what the user should know about it."""

    config: ExportConfig
    warnings: tuple[str, ...]


def load_train(
    file: Path | None = None, words: Iterable[str] = (), values: Mapping[str, Any] | None = None
) -> Loaded:
    """The training config of a file, with words of a command line and then `values` on top.

    Raises ConfigErrors with every problem, or UsageError where the file itself can't be read.
    """
    given = _gather(file, words, values)
    problems: list[Problem] = []
    rules = PREDICT if "do_predict" in given and read_switch(given["do_predict"].value) is True else TRAIN
    warnings = rules.judge(given, problems)
    nodes = {name: fill(node, _part(name, given), problems) for name, node in NODES.items()}
    passthrough = _passthrough(given, problems)
    origins = {key: item.where for key, item in given.items()}
    problems.extend(cross_checks(nodes, origins))
    if problems:
        refuse(problems, given.keys(), TRAIN.known())
    return Loaded(TrainConfig(**nodes, passthrough=passthrough), origins, warnings)


def load_predict(file: Path | None = None, words: Iterable[str] = ()) -> Loaded:
    """The config of a prediction: that of a training that only predicts. Raises as `load_train`."""
    return load_train(file, words, {"do_train": False, "do_predict": True})


def load_export(
    file: Path | None = None, words: Iterable[str] = (), values: Mapping[str, Any] | None = None
) -> LoadedExport:
    """The export config of a file and overrides. Raises as `load_train`.

    LLaMA-Factory's export files hold keys of a training, too: they are held to what they mean there.
    """
    given = _gather(file, words, values)
    problems: list[Problem] = []
    warnings = EXPORT.judge(given, problems)
    own = {key: item for key, item in given.items() if key in ExportConfig.model_fields}
    config = fill(ExportConfig, own, problems)
    for name, node in NODES.items():
        fill(node, _part(name, given), problems)
    _passthrough(given, problems)
    named = {"model_source": config.model_source} if config is not None else {}
    problems.extend(replace(found, where=given[found.key].where) for found in source_problems(named))
    if problems or config is None:
        refuse(problems, given.keys(), EXPORT.known())
    return LoadedExport(config, warnings)


def _gather(file: Path | None, words: Iterable[str], values: Mapping[str, Any] | None) -> dict[str, Given]:
    given = read_file(file) if file is not None else {}
    given.update(read_words(words))
    python = tr("config.from_python")
    given.update({key: Given(value, python) for key, value in (values or {}).items()})
    return given


@dataclass(frozen=True)
class Rules:
    """What one kind of job makes of the keys that a user's file may hold."""

    later: Mapping[str, Later]
    """Refused, unless they ask for nothing."""
    no_effect: Mapping[str, str]
    """Accepted with a warning."""
    unread: Mapping[str, str]
    """Checked like any other, and accepted with a warning where they ask for something."""
    honoured: frozenset[str]

    def known(self) -> set[str]:
        return {*self.later, *self.no_effect, *self.unread, *self.honoured}

    def judge(self, given: Mapping[str, Given], problems: list[Problem]) -> tuple[str, ...]:
        """Note the keys and values that are refused; returns the warnings."""
        warnings, known = [], self.known()
        for key, item in given.items():
            reason = self.no_effect.get(key) or (_asks(key, item.value) and self.unread.get(key))
            if reason:
                warnings.append(tr("config.no_effect", key=key, where=item.where, reason=tr(reason)))
            later = self.later.get(key)
            if later is not None and not _is_one_of(item.value, later.harmless):
                problems.append(Problem(key, item.value, tr(later.reason), item.where))
            elif key not in known:
                problems.append(unknown(key, item, known))
            problems.extend(_later_value(key, item))
        return tuple(warnings)


TRAIN = Rules(
    later=LATER,
    no_effect=NO_EFFECT,
    unread={
        **{key: "config.no_effect.generation" for key, node in FIELD_NODES.items() if node in ANSWERING},
        **TRAIN_NO_EFFECT,
    },
    honoured=frozenset({*FIELD_NODES, *PASSTHROUGH}),
)
PREDICT = replace(TRAIN, unread={})
DONE_ANYWAY = {"max_new_tokens": ANSWER_TOKENS}
"""Values that say what unset keys mean."""
EXPORT = Rules(
    later={**LATER, **EXPORT_LATER},
    no_effect=NO_EFFECT,
    unread={
        **{
            key: "config.no_effect.export"
            for key in (*FIELD_NODES, *PASSTHROUGH)
            if key not in ExportConfig.model_fields
        },
        **EXPORT_NO_EFFECT,
    },
    honoured=frozenset(ExportConfig.model_fields),
)


def _asks(key: str, value: Any) -> bool:
    """Whether a value asks for something other than what is done anyway."""
    if key in FIELD_NODES:
        default = NODES[FIELD_NODES[key]].model_fields[key].default
        return not _is_one_of(value, (None, default, DONE_ANYWAY.get(key)))
    return not _is_one_of(value, (None, False))


def _is_one_of(value: Any, listed: tuple[Any, ...]) -> bool:
    return _alike(value) in [_alike(item) for item in listed]


def _alike(value: Any) -> Any:
    """One form for a word of a command line and for YAML's own value: `1`, `1.0` and "1" are alike."""
    if isinstance(value, (list, tuple)):
        return _alike(",".join(map(str, value)))
    word = str(value).strip().lower()
    if word in {"none", "null", "~", ""}:
        return "none"
    switch = read_switch(word)
    if isinstance(switch, bool):
        return str(switch)
    try:
        return float(word)
    except ValueError:
        return word


def _later_value(key: str, item: Given) -> list[Problem]:
    reasons = LATER_VALUES.get(key, {})
    listed = item.value if isinstance(item.value, (list, tuple)) else str(item.value).split(",")
    for value in listed:
        reason = reasons.get(str(value).strip())
        if reason is not None:
            return [Problem(key, item.value, tr(reason), item.where)]
    return []


def _part(node_name: str, given: Mapping[str, Given]) -> dict[str, Given]:
    return {key: item for key, item in given.items() if FIELD_NODES.get(key) == node_name}


def _passthrough(given: Mapping[str, Given], problems: list[Problem]) -> dict[str, Any]:
    return {
        key: value_of(kind, key, given[key], problems)
        for key, kind in PASSTHROUGH.items()
        if key in given and given[key].value is not None
    }


def dump(config: TrainConfig) -> str:
    """The flat YAML of a config. `load_train` of it gives the same config (secrets aside)."""

    plain = json.loads(json.dumps(config.to_flat()))
    return str(yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


class _Dumper(yaml.SafeDumper):
    """Writes text with line ends in it between double quotes: PyYAML reads some back wrongly otherwise."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)
