"""The config of a server: of a file, with the words of a command line on top."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conch.config.serve import ServeConfig
from conch.config.source import Given, read_file
from conch.config.types import read_names
from conch.config.values import fill, refuse, unknown
from conch.core.errors import Problem
from conch.core.text import tr

RENAMED = {"model_name_or_path": "model", "infer_backend": "engine"}
"""Keys of LLaMA-Factory's inference files that say what ours do."""
ENGINES = {"huggingface": "transformers"}
OF_GATEWAYS = frozenset(
    {
        *("upstream", "upstream_key_file", "host", "port", "api_key", "require_key", "cors_origins"),
        *("max_concurrent_requests", "request_seconds"),
    }
)
"""The keys that a gateway has. The others are for the servers behind it."""


def load_serve(file: Path | None, values: Mapping[str, Any]) -> ServeConfig:
    """The settings of `file` with `values` of the command line instead of its own.

    Raises ConfigErrors with every problem, or UsageError where the file itself can't be read.
    """
    given = _in_our_words(read_file(file)) if file is not None else {}
    given.update({key: Given(value, tr("config.command_line")) for key, value in values.items()})
    known = {*ServeConfig.model_fields, *RENAMED, "adapter_name_or_path"}
    problems: list[Problem] = [unknown(key, item, known) for key, item in given.items() if key not in known]
    own = {key: item for key, item in given.items() if key in ServeConfig.model_fields}
    config = fill(ServeConfig, own, problems)
    if config is not None:
        problems += _ill_matched(config, given)
    if problems or config is None:
        refuse(problems, given.keys(), known)
    return config


def _ill_matched(config: ServeConfig, given: Mapping[str, Given]) -> Iterator[Problem]:
    """Keys that make no sense together: a gateway has no model of its own, nor what belongs to one."""
    if not config.upstream:
        if not config.model:
            yield Problem("model", None, tr("serving.expect.model_or_upstream"))
        if config.upstream_key_file:
            yield _without("upstream_key_file", given, "upstream")
        yield from _ill_matched_vllm(config, given)
        return
    for number, url in enumerate(config.upstream):
        if not _is_address(url) or url in config.upstream[:number]:
            yield _no_address("upstream", url, given)
    for key in given:
        if key in ServeConfig.model_fields and key not in OF_GATEWAYS:
            yield Problem(key, given[key].value, tr("serving.expect.no_upstream"), given[key].where)


def _ill_matched_vllm(config: ServeConfig, given: Mapping[str, Given]) -> Iterator[Problem]:
    """Keys of a server that is started and of one that runs already."""
    if not _are_words(config.vllm_args):
        yield Problem("vllm_args", config.vllm_args, tr("serving.expect.words"), given["vllm_args"].where)
    if config.vllm_url is None:
        if config.vllm_key_file:
            yield _without("vllm_key_file", given, "vllm_url")
        if config.vllm_args and config.engine not in {"auto", "vllm"}:
            yield Problem(
                "vllm_args", config.vllm_args, tr("serving.expect.vllm_engine"), given["vllm_args"].where
            )
        return
    if not _is_address(config.vllm_url):
        yield _no_address("vllm_url", config.vllm_url, given)
    if config.vllm_args:
        yield Problem("vllm_args", config.vllm_args, tr("serving.expect.no_url"), given["vllm_args"].where)
    if config.engine not in {"auto", "vllm"}:
        yield Problem("engine", config.engine, tr("serving.expect.vllm"), given["engine"].where)


def _no_address(key: str, url: str, given: Mapping[str, Given]) -> Problem:
    """What may be a password is not shown."""
    shown = re.sub(r"//[^/@]*@", "//…@", url)
    return Problem(key, shown, tr("serving.expect.address"), given[key].where)


def _without(key: str, given: Mapping[str, Given], other: str) -> Problem:
    return Problem(key, given[key].value, tr("serving.expect.with_other", other=other), given[key].where)


def _are_words(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in {"http", "https"} and named and plain and url.isprintable() and " " not in url


def _in_our_words(given: Mapping[str, Given]) -> dict[str, Given]:
    """LLaMA-Factory's keys as ours. An adapter is served by the name of its folder, beside its base."""
    ours = {RENAMED.get(key, key): item for key, item in given.items() if key != "adapter_name_or_path"}
    if "infer_backend" in given:
        value, where = given["infer_backend"]
        ours["engine"] = Given(ENGINES.get(value, value), where)
    if "adapter_name_or_path" in given and "adapters" not in given:
        value, where = given["adapter_name_or_path"]
        paths = read_names(value) or ()
        ours["adapters"] = Given({Path(path).name: path for path in paths}, where)
    return ours
