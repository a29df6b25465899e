"""The shell: one file per command, thin. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys

from conch.cli.group import ClosedPipeError, LazyGroup, Session
from conch.cli.output import complain, mute
from conch.core.text import tr

COMMANDS = {
    "quickstart": "conch.cli.quickstart",
    "train": "conch.cli.train",
    "runs": "conch.cli.runs",
    "models": "conch.cli.models",
    "data": "conch.cli.data",
    "chat": "conch.cli.chat",
    "predict": "conch.cli.predict",
    "evaluate": "conch.cli.evaluate",
    "compare": "conch.cli.compare",
    "export": "conch.cli.export",
    "serve": "conch.cli.serve",
    "ui": "conch.cli.ui",
    "keys": "conch.cli.keys",
    "doctor": "conch.cli.doctor",
    "options": "conch.cli.options",
    "version": "conch.cli.version",
}
"""Command name to the module that holds it as `command`. A new command is a new file and one line here."""


def main() -> None:
    """The `conch` program. Exits 0 on success, 2 on a usage or config error, 1 on any other failure."""
    try:
        code = run(sys.argv[1:])
    except (ClosedPipeError, BrokenPipeError):
        code = mute()
    sys.exit(code)


def program() -> LazyGroup:
    """The `conch` command, in the language in use."""
    return LazyGroup(
        name="conch",
        help=tr("cli.conch"),
        commands_by_module=COMMANDS,
        context_settings={"help_option_names": ["--help", "-h"]},
    )


def run(arguments: list[str]) -> int:
    """Do the command that `arguments` name, or tell why not; returns the exit code."""
    session = Session()
    group = program()
    try:
        code = group.main(arguments, prog_name="conch", standalone_mode=False, obj=session)
    except ClosedPipeError:
        raise
    except BaseException as error:
        return complain(error, as_json="--json" in arguments, debug=session.debug)
    return code if isinstance(code, int) else 0
