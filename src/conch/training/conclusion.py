"""After the end of a run: people are told, and the user's own command runs once the weights are safe.

No torch. Nothing here may change how a run ended: what fails is told and that is all.
"""

from __future__ import annotations

import subprocess
import traceback
from contextlib import suppress
from pathlib import Path

from conch.core import env
from conch.core.errors import ConchError
from conch.core.events import Phase
from conch.models.headers import read_header
from conch.runs.notify import message_of, tell
from conch.runs.run import Run

COMMAND_SECONDS = 600
"""How long the worker waits for the command to end before it leaves it to itself."""


def conclude(run: Run) -> None:
    """Do what the run's config asks for after its end. Never raises."""
    tell(run)
    command = run.flat_config().get("after_command")
    if not command:
        return
    try:
        if run.state() == "finished" and (weights_are_whole(run.output) or not run.config().output.trains()):
            _run_command(run, str(command))
        else:
            _warn(run, "notify.not_safe", output=str(run.output))
    except Exception as error:  # the run has ended, well or not, and stays so
        traceback.print_exc()
        _warn(run, "notify.failed_to_tell", name="-", reason=type(error).__name__)


def weights_are_whole(output: Path) -> bool:
    """Whether every weights file in `output` reads back: its header whole, its length as that says."""
    files = sorted(output.glob("*.safetensors"))
    named = any((output / name).is_file() for name in ("adapter_config.json", "config.json"))
    try:
        return bool(files) and named and all(read_header(file) for file in files)
    except ConchError:
        return False


def _run_command(run: Run, command: str) -> None:
    """Through the user's shell, in the run's folder, with the run's facts in its environment."""
    told = message_of(run)
    facts = {f"CONCH_RUN_{key.upper()}": value for key, value in told.facts.items()}
    facts |= {"CONCH_RUN_ID": run.id, "CONCH_RUN_FOLDER": run.folder, "CONCH_RUN_TEXT": told.whole}
    variables = {
        key: str(value) for key, value in facts.items() if isinstance(value, (str, int, float, Path))
    }
    run.events.write(Phase, name="after_command", facts={"command": command})
    process = subprocess.Popen(
        command,
        shell=True,
        cwd=run.folder,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env=env.child_environment(**variables),
    )
    try:
        code: int | None = process.wait(COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        code = None
    run.events.write(Phase, name="after_command", facts={"exit_code": code})
    if code:
        _warn(run, "notify.command_failed", code=code)


def _warn(run: Run, key: str, **values: object) -> None:
    with suppress(OSError):  # a disk that takes nothing
        run.events.warn(key, **values)
