"""What commands print: text for people, one JSON document for programs, and errors for both."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import click

from conch.cli.group import UnknownCommandError
from conch.core import disk
from conch.core.errors import ConchError, first_line
from conch.core.events import Stopped
from conch.core.text import tr


def say(text: str = "") -> None:
    """Print a line for a person."""
    click.echo(text)


def coloured() -> bool:
    """Whether what is said is shown in colours: it goes to a terminal."""
    return sys.stdout.isatty()


def whisper(text: str) -> None:
    """Print a line for a person that is not part of a command's result."""
    click.echo(text, err=True)


def emit(data: Any) -> None:
    """Print one JSON document."""
    click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))


CLOSED_PIPE = 141
"""What a shell shows for a program that ended since nobody reads what it prints (128 + SIGPIPE)."""


def mute() -> int:
    """Print nothing more, since nobody reads it; returns the exit code for that."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())  # what is still held back is written when the program ends
    return CLOSED_PIPE


def complain(error: BaseException, *, as_json: bool, debug: bool = False) -> int:
    """Tell what went wrong, where and what to do; returns the exit code. `debug` shows the traceback, too."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        whisper(error.format_message())
        return error.exit_code
    code, message, hint = _read(error)
    if debug and message:
        import traceback

        whisper("".join(traceback.format_exception(error)).rstrip())
    if as_json and message:
        emit({"error": _facts(error, message) | {"hint": hint}})
    elif message:
        whisper(tr("cli.error", message=message))
        if hint:
            whisper(tr("cli.hint", hint=hint))
    return code


def _facts(error: BaseException, message: str) -> dict[str, Any]:
    if isinstance(error, ConchError):
        return error.to_dict()
    usage = isinstance(error, click.ClickException)
    return {"kind": "UsageError" if usage else type(error).__name__, "message": message}


def _read(error: BaseException) -> tuple[int, str, str]:
    """Exit code, message and hint."""
    match error:
        case ConchError():
            return error.exit_code, error.message, error.hint
        case click.exceptions.Exit():
            return error.exit_code, "", ""
        case click.ClickException():
            return 2, *_usage(error)
        case KeyboardInterrupt() | click.Abort():
            return 1, tr("cli.interrupted"), ""
        case SystemExit():
            return int(error.code or 0), "", ""
        case OSError() if error.errno in disk.REFUSED:
            place = error.filename or "-"
            reason = error.strerror or first_line(error)
            return 1, tr("cli.disk", place=place, reason=reason), tr("cli.disk.fix")
        case _:
            kind, reason = type(error).__name__, first_line(error)
            return 1, tr("cli.unexpected", kind=kind, reason=reason), tr("cli.unexpected.fix")


def _usage(error: click.ClickException) -> tuple[str, str]:
    """click's usage errors in our words."""
    context = getattr(error, "ctx", None)
    hint = tr("cli.see_help", command=context.command_path if context else "conch")
    match error:
        case click.exceptions.NoSuchOption():
            better = _did_you_mean(error.option_name, error.possibilities or [])
            return tr("cli.no_option", option=error.option_name) + better, hint
        case click.exceptions.MissingParameter():
            return tr("cli.missing", name=_typed(error.param)), hint
        case click.exceptions.BadParameter():
            expected = _expected(error.param.type) if error.param else ""
            if expected:
                return tr("cli.bad_value", name=_typed(error.param), expected=expected), hint
            return tr("cli.usage_error", reason=error.format_message()), hint
        case click.exceptions.BadOptionUsage():
            return tr("cli.no_value", option=error.option_name), hint
        case UnknownCommandError():
            return tr("cli.no_command", word=error.word) + _did_you_mean(error.word, error.known), hint
        case _:
            return _other_usage(error.format_message()), hint


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    """The question whether the closest known word was meant; nothing where none is close."""
    import difflib  # only mistakes need it

    close = difflib.get_close_matches(word, known, n=1)
    return tr("cli.did_you_mean", word=close[0]) if close else ""


def _other_usage(message: str) -> str:
    extra = re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", message)
    return tr("cli.extra", words=extra[1]) if extra else tr("cli.usage_error", reason=message)


def _typed(param: click.Parameter | None) -> str:
    """A parameter as the user types it: `--lines`, `RUN`."""
    if isinstance(param, click.Option):
        return max(param.opts, key=len)
    return param.human_readable_name if param else "?"


def _expected(kind: click.ParamType[Any]) -> str:
    """What a parameter takes, in our words; empty where click alone knows."""
    if isinstance(kind, click.Choice):
        return tr("config.expect.choice", choices=", ".join(map(str, kind.choices)))
    if not isinstance(kind, (click.types.IntParamType, click.types.FloatParamType)):
        return ""
    whole = isinstance(kind, click.types.IntParamType)
    words = [tr("config.expect.int" if whole else "config.expect.number")]
    bounds = {"ge": getattr(kind, "min", None), "le": getattr(kind, "max", None)}
    words += [tr(f"config.expect.{name}", bound=bound) for name, bound in bounds.items() if bound is not None]
    return tr("cli.comma").join(words)


def plain(value: Any) -> str:
    """A config value as a person would write it: `null`, `true`, `a,b`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return ",".join(map(plain, value)) if isinstance(value, list) else str(value)


def in_words(device: str, position: int, behind: Sequence[str]) -> str:
    """A place in a queue: what is waited for, and behind whom."""
    if not behind:
        return tr("cli.runs.waits", device=device, position=position)
    shown = ", ".join(behind[:2]) + (" …" if len(behind) > 2 else "")
    return tr("cli.runs.waits_behind", device=device, position=position, behind=shown)


def how_it_stopped(event: Stopped) -> str:
    """At which step, and what is saved."""
    key = "cli.train.stopped" if event.checkpoint else "cli.train.stopped_bare"
    return tr(key, step=event.step, checkpoint=event.checkpoint)


def size(count: float) -> str:
    """Bytes for a person, in powers of ten as disks are sold."""
    for unit in ("B", "kB", "MB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def duration(seconds: float | None) -> str:
    """Seconds as h:mm:ss or m:ss."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
