"""Where config values come from: YAML and JSON files, and words on the command line.

Every value is kept with the place that set it, so that errors and the plan can name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from conch.core.errors import ConfigErrors, Problem, UsageError
from conch.core.text import tr


class Given(NamedTuple):
    value: Any
    where: str


def read_file(path: Path) -> dict[str, Given]:
    """The flat keys of a YAML or JSON file (JSON is YAML), each with its line.

    Raises UsageError where the file can't be read as one flat mapping.
    """
    text = _read_text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or ""
        raise UsageError("config.not_yaml", file=path, line=line, problem=problem) from error
    if node is None:
        raise UsageError("config.empty_file", file=path)
    if not isinstance(node, yaml.MappingNode) or not isinstance(value, dict):
        raise UsageError("config.not_mapping", file=path)
    lines = _lines(node, path)
    return {str(key): Given(item, lines[str(key)]) for key, item in value.items()}


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise UsageError("config.is_folder", file=path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UsageError("config.no_file", file=path) from error
    except UnicodeDecodeError as error:
        raise UsageError("config.not_utf8", file=path) from error
    except OSError as error:
        raise UsageError("config.unreadable", file=path, reason=error.strerror or error) from error


def _lines(node: yaml.MappingNode, path: Path) -> dict[str, str]:
    places: dict[str, str] = {}
    doubled: list[Problem] = []
    for key_node, _ in node.value:
        key = str(key_node.value)
        here = tr("config.line", file=path.name, line=key_node.start_mark.line + 1)
        if key in places:
            doubled.append(Problem(key, key, tr("config.expect.once", first=places[key]), here))
        places[key] = here
    if doubled:
        raise ConfigErrors(doubled)
    return places


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
