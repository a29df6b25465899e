"""A training's settings between the form and the config: drawn from the schema, judged by the one loader."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from conch.config.load import Loaded, load_train
from conch.config.model import SECRETS
from conch.config.schema import json_schema
from conch.config.types import read_switch
from conch.core.text import has, tr
from conch.data import registry
from conch.models import inventory
from conch.models.hub.pypi import STARTERS
from conch.runs import store

SIMPLE = (
    *("model_name_or_path", "dataset", "finetuning_type", "num_train_epochs", "learning_rate"),
    *("per_device_train_batch_size", "cutoff_len", "val_size", "run_name"),
)
"""What a first training needs to be asked, in this order."""
BEGIN = {"learning_rate": "0.0002", "val_size": "0.1"}
"""Where a new training begins, since it suits most: what stands here differs from the defaults."""


def document(values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The form: every key with its kind, default and meaning, in the language in use.

    `values` replace what the form holds; None leaves that alone.
    """
    schema = json_schema()["properties"]
    fields = {key: _field(key, entry) for key, entry in schema.items()}
    fields["model_name_or_path"] |= {"known": _models(), "required": True}
    fields["dataset"]["known"] = list(registry.names(None))
    groups: dict[str, list[str]] = {}
    for key, entry in schema.items():
        groups.setdefault(entry["x-group"], []).append(key)
    words = ("simple", "complete", "search", "changed", "unset")
    return {
        "fields": fields,
        "groups": [
            {"name": name, "title": tr(f"keys.group.{name}"), "keys": keys} for name, keys in groups.items()
        ],
        "simple": [
            {"key": key, "title": tr(f"studio.train.{key}"), "why": tr(f"studio.train.{key}.why")}
            for key in SIMPLE
        ],
        "words": {word: tr(f"studio.train.form.{word}") for word in words},
        "begin": BEGIN,
        "values": None if values is None else dict(values),
    }


def _models() -> list[str]:
    here = [entry.name for entry in inventory.entries()]
    runs = [run.id for run in store.list_runs() if run.checkpoints()]
    return list(dict.fromkeys([*here, *STARTERS, *runs]))


def _field(key: str, entry: dict[str, Any]) -> dict[str, Any]:
    options = _options(entry)
    return {
        "default": written(entry.get("default")),
        "options": options,
        "number": _is_number(entry),
        "secret": key in SECRETS,
        "about": entry["description"],
        "effect": tr(f"keys.{key}.effect") if has(f"keys.{key}.effect") else "",
    }


def _options(entry: dict[str, Any]) -> list[tuple[str, str]] | None:
    """What there is to choose from; None where anything may be written."""
    kinds = entry.get("anyOf", [entry])
    unset = [("", tr("studio.train.form.unset"))] if any(kind.get("type") == "null" for kind in kinds) else []
    listed = [kind for kind in kinds if kind.get("type") != "null"]
    if len(listed) != 1:
        return None
    if listed[0].get("type") == "boolean":
        return [*unset, ("true", tr("studio.train.form.yes")), ("false", tr("studio.train.form.no"))]
    if "enum" in listed[0]:
        return [*unset, *((written(value), str(value)) for value in listed[0]["enum"])]
    return None


def _is_number(entry: dict[str, Any]) -> bool:
    kinds = entry.get("anyOf", [entry])
    return any(kind.get("type") in {"integer", "number"} for kind in kinds)


def written(value: Any) -> str:
    """A value as it is typed on a command line."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            if all(isinstance(item, str | int | float) for item in value):
                return ",".join(map(str, value))
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return f"{value:.10g}"
    return str(value)


def words_of(given: str | None) -> list[str]:
    """The form's settings as words of a command line."""
    values = json.loads(given or "{}")
    return [f"{key}={value}" for key, value in values.items()]


def loaded(given: str | None) -> Loaded:
    """The config that the form asks for. Raises ConfigErrors."""
    return load_train(words=words_of(given))


def changed(flat: Mapping[str, Any]) -> dict[str, str]:
    """What of a whole config differs from the defaults, as the form holds it."""
    schema = json_schema()["properties"]
    found = {}
    for key, value in flat.items():
        if key in schema and key not in SECRETS and value is not None:
            text = written(value)
            if text != written(schema[key].get("default")):
                found[key] = text
    return found


def command(given: str | None) -> str:
    """The same training in the shell. Secrets are named, not shown."""
    values = json.loads(given or "{}")
    words = [f"{key}={'…' if key in SECRETS else value}" for key, value in values.items()]
    return " ".join(["conch", "train", *map(shlex.quote, words)])


def as_yaml(given: str | None) -> str:
    """The form's settings as a file that `conch train` takes. Secrets stay out."""
    values = {key: _typed(value) for key, value in json.loads(given or "{}").items() if key not in SECRETS}
    return str(yaml.safe_dump(values, allow_unicode=True, sort_keys=False)) if values else ""


def _typed(value: str) -> Any:
    switch = read_switch(value)
    if isinstance(switch, bool):
        return switch
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
