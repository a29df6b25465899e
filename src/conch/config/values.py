"""Values in, one frozen node out, or what is wrong with each value in the user's words.

The border to pydantic: none of its errors goes beyond this file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from conch.config.aliases import ALIASES
from conch.config.model import SECRETS
from conch.config.source import Given
from conch.config.types import Float, Int, Node, Settings, Str
from conch.config.words import choices, expected
from conch.core.errors import ConfigErrors, Problem
from conch.core.text import tr

NodeT = TypeVar("NodeT", bound=Node)


def build(node: type[NodeT], values: Mapping[str, Any], where: str = "") -> NodeT:
    """The node of `values`, which `where` names the origin of. Raises ConfigErrors with every problem."""
    problems: list[Problem] = []
    built = fill(node, {key: Given(value, where) for key, value in values.items()}, problems)
    if built is None:
        refuse(problems, tuple(values), node.model_fields)
    return built


def fill(node: type[NodeT], given: Mapping[str, Given], problems: list[Problem]) -> NodeT | None:
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
            item = Given(values.get(key), given[key].where if key in given else "")
            is_unknown = detail["type"] == "extra_forbidden"
            problems.append(
                unknown(key, item, node.model_fields) if is_unknown else _problem(key, detail, item)
            )
        return None


def value_of(kind: type, key: str, item: Given, problems: list[Problem]) -> Any:
    """The value as `kind`, read with the conversions that our own keys have; None after noting a problem."""
    ours: dict[type, Any] = {dict: Settings, float: Float, int: Int, str: Str}
    try:
        return TypeAdapter[Any](ours.get(kind, kind)).validate_python(item.value)
    except ValidationError as error:
        problems.append(_problem(key, error.errors()[0], item))
        return None


def unknown(key: str, item: Given, known: Iterable[str]) -> Problem:
    """A key that nobody knows, with the known one that was probably meant."""
    known = set(known)
    meant = ALIASES.get(key.lower(), "")
    close = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.7)
    suggestion = meant if meant in known else next(iter(close), "")
    return Problem(key, item.value, tr("config.expect.known_key"), item.where, suggestion)


def refuse(problems: Iterable[Problem], order: Collection[str], known: Collection[str]) -> NoReturn:
    """Raise the problems in the order in which the keys were given, secrets unseen."""
    places = {key: place for place, key in enumerate(order)}
    told = sorted(problems, key=lambda problem: places.get(problem.key, len(places)))
    raise ConfigErrors([replace(p, value="…") if _is_secret(p, known) else p for p in told])


_SECRET_WORD = re.compile("token|key|secret|passw", re.IGNORECASE)


def _is_secret(problem: Problem, known: Collection[str]) -> bool:
    """Whether the value may be one that nobody should read over the user's shoulder: `hf_hub_tokne: hf_…`."""
    if not problem.value:
        return False
    named = problem.key in SECRETS or problem.suggestion in SECRETS
    return named or (problem.key not in known and bool(_SECRET_WORD.search(problem.key)))


def _problem(key: str, detail: ErrorDetails, item: Given) -> Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    allowed = choices(context) if kind == "literal_error" else []
    close = difflib.get_close_matches(str(item.value), allowed, n=1, cutoff=0.5)
    return Problem(key, item.value, expected(kind, context), item.where, close[0] if close else "")
