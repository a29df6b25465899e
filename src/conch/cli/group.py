"""click, speaking our language: lazy command groups, and help whose headings come from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from conch import __version__
from conch.cli.layout import fold, pad, width_of
from conch.core.text import tr


def _in_our_words(record: tuple[str, str]) -> tuple[str, str]:
    """click writes `[default: …]` and `[required]` itself."""
    name, meaning = record
    name = _METAVAR.sub(lambda found: " " + tr(f"cli.metavar.{_METAVARS[found[1]]}"), name)
    text, bracket, extra = meaning.rpartition("  [")
    return name, f"{text}{bracket}{_extra(extra)}" if bracket and extra.endswith("]") else meaning


_METAVARS = {
    "INTEGER RANGE": "whole",
    "INTEGER": "whole",
    "FLOAT RANGE": "number",
    "FLOAT": "number",
    "TEXT": "text",
    "PATH": "path",
    "DIRECTORY": "folder",
}
_METAVAR = re.compile(f" ({'|'.join(_METAVARS)})$")
_RANGE = re.compile(r"(?:(?P<low>[\d.]+)<=)?x(?:(?P<sign>[<>]=?)(?P<bound>[\d.]+))?")
_SIGNS = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}


def _extra(words: str) -> str:
    """`default: 8000; 0<=x<=65535]`, `required]`."""
    parts = words.removesuffix("]").split("; ")
    return tr("cli.semicolon").join(map(_bracketed, parts)) + "]"


def _bracketed(part: str) -> str:
    if part == "required":
        return tr("cli.required")
    if part.startswith("default: "):
        return tr("cli.default") + part.removeprefix("default: ")
    found = _RANGE.fullmatch(part)
    if not found or not found["bound"]:
        return part
    if found["low"]:
        return tr("cli.range.between", low=found["low"], high=found["bound"])
    return tr(f"cli.range.{_SIGNS[found['sign']]}", bound=found["bound"])


INDENT = 2
NAMES = 30
"""Places that names take at most before their meaning begins on a line of its own."""


def _section(formatter: click.HelpFormatter, heading: str, records: Sequence[tuple[str, str]]) -> None:
    """Names with what they mean. click would count letters instead of the places that they take."""
    formatter.write_paragraph()
    formatter.write(f"{heading}{tr('cli.colon')}\n")
    column = INDENT + min(max((width_of(name) for name, _ in records), default=0), NAMES) + 2
    for name, meaning in records:
        head = " " * INDENT + name
        if width_of(head) + 2 > column:
            formatter.write(f"{head}\n")
            head = ""
        formatter.write(fold(pad(head, column) + meaning, column, formatter.width).rstrip() + "\n")


@dataclass
class Session:
    """What one call of the program is told beside its command."""

    debug: bool = False


def _note_debug(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    if given and isinstance(ctx.obj, Session):
        ctx.obj.debug = True


def _show_version(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    if given:
        click.echo(f"conch {__version__}")
        ctx.exit()


class Command(click.Command):
    """A command whose help is written in the language in use.

    Each takes `--debug`; only the first help page says so.
    """

    shows_debug = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", tr("cli.options_metavar"))
        super().__init__(*args, **kwargs)
        debug = click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            hidden=not self.shows_debug,
            callback=_note_debug,
            help=tr("cli.debug"),
        )
        self.params.append(debug)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=tr("cli.usage"))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = [_in_our_words(record) for option in options if (record := option.get_help_record(ctx))]
        _section(formatter, tr("cli.options_heading"), records)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for paragraph in (self.help or "").split("\n\n"):
            formatter.write_paragraph()
            folded = fold(" ".join(paragraph.split("\n")), INDENT, formatter.width - INDENT)
            formatter.write(f"{' ' * INDENT}{folded}\n")

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = tr("cli.help")
        return option


class UnknownCommandError(click.UsageError):
    """A word that names no command of a group; `known` are those that do."""

    def __init__(self, word: str, known: list[str], ctx: click.Context) -> None:
        super().__init__(word, ctx)
        self.word = word
        self.known = known


class Group(Command, click.Group):
    """A group whose subcommands are `Command`s."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UnknownCommandError(args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("subcommand_metavar", tr("cli.command_metavar"))
        super().__init__(*args, **kwargs)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _section(
            formatter,
            tr("cli.commands"),
            [(name, self.one_line(ctx, name)) for name in self.list_commands(ctx)],
        )

    def one_line(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return (command.help or "").partition("\n")[0] if command else ""


class ClosedPipeError(Exception):
    """Nobody reads what is printed any more, as in `conch options train | head -1`."""


@contextmanager
def _telling_of_closed_pipes() -> Iterator[None]:
    """click would end the program by itself, as if the command had failed."""
    try:
        yield
    except BrokenPipeError as error:
        raise ClosedPipeError from error


class LazyGroup(Group):
    """A group that imports a subcommand's module when that subcommand is called."""

    shows_debug = True

    def __init__(self, *args: Any, commands_by_module: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = click.Option(
            ["--version", "-V"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help=tr("cli.program_version"),
        )
        self.params.append(version)
        self._modules = commands_by_module

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _telling_of_closed_pipes():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _telling_of_closed_pipes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = self._modules.get(cmd_name)
        return import_module(module).command if module else None

    def one_line(self, ctx: click.Context, name: str) -> str:
        return tr(f"cli.{name}").partition("\n")[0]
