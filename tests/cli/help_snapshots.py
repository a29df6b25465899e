"""Every help page in one file per language. `python -m tests.cli.help_snapshots` writes them anew."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "snapshots"
LANGUAGES = ("en", "zh")
RENEW = "python -m tests.cli.help_snapshots"
COLUMNS = "80"

PRINT_ALL = """
import click
from conch.cli import program

def show(command, name, parent=None):
    context = click.Context(command, parent=parent, info_name=name, **command.context_settings)
    print(f"$ {context.command_path} --help", command.get_help(context), "", sep="\\n")
    for sub in command.list_commands(context) if isinstance(command, click.Group) else ():
        show(command.get_command(context, sub), sub, context)

show(program(), "conch")
"""


def help_pages(language: str) -> str:
    """The help of every command in 80 columns. Help is worded at import: hence a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_ALL],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "CONCH_LANG": language, "COLUMNS": COLUMNS, "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    return done.stdout


def snapshot(language: str) -> Path:
    return FOLDER / f"help.{language}.txt"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in LANGUAGES:
        snapshot(each).write_text(help_pages(each), encoding="utf-8")
