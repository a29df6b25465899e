"""click, speaking our language: lazy command groups, and help whose headings come from the catalogue."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from conch.core.text import tr


class Command(click.Command):
    """A command whose help is written in the language in use."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("options_metavar", tr("cli.options_metavar"))
        super().__init__(*args, **kwargs)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=tr("cli.usage"))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        records = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        with formatter.section(tr("cli.options")):
            formatter.write_dl(records)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = tr("cli.help")
        return option


class Group(Command, click.Group):
    """A group whose subcommands are `Command`s."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("subcommand_metavar", tr("cli.command_metavar"))
        super().__init__(*args, **kwargs)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(tr("cli.commands")):
            formatter.write_dl([(name, self.short_help(ctx, name)) for name in self.list_commands(ctx)])

    def short_help(self, ctx: click.Context, name: str) -> str:
        command = self.get_command(ctx, name)
        return (command.help or "").partition("\n")[0] if command else ""


class LazyGroup(Group):
    """A group that imports a subcommand's module when that subcommand is called."""

    def __init__(self, *args: Any, commands_by_module: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._modules = commands_by_module

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = self._modules.get(cmd_name)
        return import_module(module).command if module else None

    def short_help(self, ctx: click.Context, name: str) -> str:
        return tr(f"cli.{name}").partition("\n")[0]
