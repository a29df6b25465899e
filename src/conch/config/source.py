"""Where config values come from: YAML and JSON files, and words on the command line.

Every value is kept with the place that set it, so that errors and the plan can name it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from conch.core.errors import ConfigErrors, Problem, UsageError, first_line
from conch.core.files import is_dir
from conch.core.text import tr


class Given(NamedTuple):
    value: Any
    where: str


def read_file(path: Path) -> dict[str, Given]:
    """The flat keys of a YAML or JSON file (JSON is YAML), each with its line.

    Raises UsageError where the file can't be read as one flat mapping.
    """
    text = _read_text(path)
    json_values = _parse_json(text)
    if json_values is not None:
        text = text.replace("\t", " ")  # PyYAML reads no tabs between words; in JSON text there are no others
    try:
        return _read_yaml(text, json_values or {}, path)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or first_line(error)
        raise UsageError("config.not_yaml", file=path, line=line, problem=problem) from error


def _parse_json(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _read_yaml(text: str, json_values: dict[str, Any], path: Path) -> dict[str, Given]:
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    if node is None:
        raise UsageError("config.empty_file", file=path)
    if not isinstance(node, yaml.MappingNode):
        raise UsageError("config.not_mapping", file=path)
    lines = _lines(node, path)
    loader.flatten_mapping(node)  # what `<<` merges in comes first and is overridden by the rest
    given: dict[str, Given] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        where = lines.get(key) or _place(key_node, path)
        given[key] = Given(json_values[key] if key in json_values else _value(loader, value_node), where)
    return given


def _value(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """What a node holds. A bare word that YAML 1.1 would rewrite stays as the user wrote it.

    `no`, `007`, `1_0`, `1.10` and `2024-01-31` may be names; where a number or a switch is
    wanted, the key's own type reads them.
    """
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return loader.construct_object(node, deep=True)
    try:
        value = loader.construct_object(node)
    except ValueError:  # `2024-13-45` looks like a date to YAML
        return str(node.value)
    if value is None or (isinstance(value, (bool, int, float)) and str(value).lower() == node.value.lower()):
        return value
    return str(node.value)


def _read_text(path: Path) -> str:
    if is_dir(path):
        raise UsageError("config.is_folder", file=path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise _no_file(path) from error
    except UnicodeDecodeError as error:
        raise UsageError("config.not_utf8", file=path) from error
    except OSError as error:
        raise UsageError("config.unreadable", file=path, reason=error.strerror or error) from error


def _no_file(path: Path) -> UsageError:
    """With the config file beside it that was probably meant: `train.yml` where there is a `train.yaml`."""
    beside = [file for file in path.parent.glob("*") if file.suffix in {".yaml", ".yml", ".json"}]
    same = [file.name for file in beside if file.stem == path.stem]
    close = same or difflib.get_close_matches(path.name, sorted(file.name for file in beside), n=1)
    if not close:
        return UsageError("config.no_file", file=path)
    return UsageError("config.no_file_close", file=path, close=path.with_name(close[0]))


def _lines(node: yaml.MappingNode, path: Path) -> dict[str, str]:
    places: dict[str, str] = {}
    doubled: list[Problem] = []
    for key_node, _ in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise UsageError("config.not_mapping", file=path)
        key = str(key_node.value)
        here = _place(key_node, path)
        if key in places:
            doubled.append(Problem(key, key, tr("config.expect.once", first=places[key]), here))
        places[key] = here
    if doubled:
        raise ConfigErrors(doubled)
    return places


def _place(node: yaml.Node, path: Path) -> str:
    return tr("config.line", file=path.name, line=node.start_mark.line + 1)


def read_words(words: Iterable[str]) -> dict[str, Given]:
    """`key=value`, `--key value`, `--key=value` and a bare `--key` (true), in that order of hope."""
    given: dict[str, Given] = {}
    pending: str | None = None
    where = tr("config.command_line")
    for word in words:
        if pending is not None and not word.startswith("--"):
            given[pending] = Given(_parse(word), where)
            pending = None
            continue
        if pending is not None:
            given[pending] = Given(True, where)
            pending = None
        key, separator, value = word.removeprefix("--").partition("=")
        key = key.replace("-", "_")
        if separator:
            given[key] = Given(_parse(value), where)
        elif word.startswith("--"):
            pending = key
        else:
            raise UsageError("config.not_override", word=word)
    if pending is not None:
        given[pending] = Given(True, where)
    return given


def _parse(word: str) -> Any:
    """A word's value: lists and mappings as YAML; `null` as nothing; all else as it stands.

    Numbers and booleans stay text here: the key's own type reads them.
    """
    if word in {"null", "~"}:
        return None
    if word.startswith(("[", "{")):
        try:
            return yaml.safe_load(word)
        except yaml.YAMLError:
            return word
    return word
