"""Keys in text files: unlike the words of a command line, other users of the machine don't see them."""

from __future__ import annotations

from pathlib import Path

from conch.core.errors import UsageError
from conch.core.files import expanded
from conch.core.text import tr


def read_key(file: Path | str) -> str:
    """The only line of a file. Raises UsageError where it has none, or several."""
    file = expanded(file)
    try:
        text = file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise UsageError("serving.bad_key_file", file=file, reason=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise UsageError("serving.bad_key_file", file=file, reason=tr("serving.key_file.not_text")) from error
    if len(text.splitlines()) != 1:
        reason = tr("serving.key_file.lines", count=len(text.splitlines()))
        raise UsageError("serving.bad_key_file", file=file, reason=reason)
    return text
