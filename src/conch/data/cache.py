"""Tokens that were made before, so that nobody waits for the same ones twice.

They are kept under `CONCH_HOME/cache/tokens`, found by all that they depend on
(`conch.data.fingerprint`). With `tokenized_path` they are kept in a folder of the user's, and
refused where they were made otherwise than the config asks.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

from conch.config.data import DataConfig
from conch.core import env
from conch.core.errors import DataError
from conch.core.files import expanded, is_file, publish, temporary_folder, write_whole
from conch.core.notice import Notice
from conch.data.fingerprint import Fingerprint, digest
from conch.data.tokens import Examples

KEPT_BYTES = 4 * 2**30
"""How much is kept before the entries that were used least lately go."""
FACTS, TRAIN, EVAL = "tokens.json", "train.safetensors", "eval.safetensors"
BROKEN = (OSError, ValueError, KeyError, IndexError, TypeError, struct.error)
"""What reading a file raises that is not whole, or none of ours."""
_BY_CHANCE = ("seed", "code", "files")
"""Parts that tell cached tokens apart, but leave tokens in `tokenized_path` usable."""


@dataclass(frozen=True)
class Tokens:
    """All examples of a job. `parts` names the datasets that `eval` is made of, with the count of each."""

    train: Examples
    eval: Examples
    parts: tuple[tuple[str, int], ...] = ()


def find(config: DataConfig, wanted: Fingerprint | None) -> Tokens | None:
    """The tokens that were kept for `wanted`, from `tokenized_path` or the cache."""
    if config.tokenized_path and not config.overwrite_cache:
        return _saved(expanded(config.tokenized_path), wanted)
    if wanted is None or config.overwrite_cache:
        return None
    folder = _place(wanted)
    tokens = _load(folder)
    if tokens is not None:
        _touch(folder)
    return tokens


def keep(config: DataConfig, made: Fingerprint | None, tokens: Tokens) -> tuple[Tokens, tuple[Notice, ...]]:
    """Keep `tokens` for the next time, and give them back as they lie on the disk.

    A full disk does not stop a run, which has its tokens: it is told in a notice. But a folder
    that the user asked for must be written.
    """
    asked = expanded(config.tokenized_path) if config.tokenized_path else None
    if made is None and asked is None:
        return tokens, ()
    folder = asked if asked is not None else _place(made or {})
    try:
        _save(folder, tokens, made or {})
    except OSError as error:
        reason = error.strerror or str(error)
        if asked is not None:
            raise DataError("training.tokens_unwritable", folder=folder, reason=reason) from error
        return tokens, (Notice("training.tokens_not_kept", {"folder": folder, "reason": reason}),)
    if asked is None:
        _make_room(folder)
    return _load(folder) or tokens, ()


def is_saved(config: DataConfig) -> bool:
    """Whether `tokenized_path` holds tokens already, so that the datasets need not be there."""
    asked = config.tokenized_path
    return bool(asked) and not config.overwrite_cache and is_file(expanded(asked or "") / FACTS)


def _saved(folder: Path, wanted: Fingerprint | None) -> Tokens | None:
    if not is_file(folder / FACTS):
        return None
    tokens = _load(folder)
    if tokens is None:
        raise DataError("training.tokens_broken", folder=folder)
    made = json.loads((folder / FACTS).read_text(encoding="utf-8"))["fingerprint"]
    asked = json.loads(json.dumps(wanted or {}))
    other = [
        name
        for name, value in asked.items()
        if name not in _BY_CHANCE and made.get(name) != value and not (name == "data" and value is None)
    ]
    if other:
        raise DataError("training.tokens_differ", folder=folder, parts=", ".join(other))
    return tokens


def _place(wanted: Fingerprint) -> Path:
    return env.home() / "cache" / "tokens" / digest(dict(wanted))[:32]


def _load(folder: Path) -> Tokens | None:
    """The tokens in `folder`; None where they are not there or not whole."""
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        parts = tuple((str(name), int(count)) for name, count in facts["parts"])
        return Tokens(Examples.open(folder / TRAIN), Examples.open(folder / EVAL), parts)
    except BROKEN:
        return None


def _save(folder: Path, tokens: Tokens, made: Fingerprint) -> None:
    facts = {"fingerprint": dict(made), "parts": tokens.parts}
    with temporary_folder(folder.parent) as temporary:
        target = temporary / "tokens"
        tokens.train.save(target / TRAIN)
        tokens.eval.save(target / EVAL)
        write_whole(target / FACTS, json.dumps(facts, ensure_ascii=False, indent=1))
        publish(target, folder)


def _touch(folder: Path) -> None:
    """Note that the entry was used."""
    try:
        os.utime(folder / FACTS)
    except OSError:  # a home that can't be written
        return


def _make_room(newest: Path) -> None:
    """Let the entries that were used least lately go until the rest fits into KEPT_BYTES."""
    entries = [(path.stat().st_mtime, path.parent) for path in newest.parent.glob(f"*/{FACTS}")]
    left = KEPT_BYTES
    for _, folder in sorted(entries, reverse=True):
        left -= sum(path.stat().st_size for path in folder.iterdir())
        if left < 0 and folder != newest:
            shutil.rmtree(folder, ignore_errors=True)
