"""`conch models …`: base models on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from conch.cli.group import Group
from conch.cli.output import emit, say, size, whisper
from conch.core.text import tr

_json = click.option("--json", "as_json", is_flag=True, help=tr("cli.json"))


@click.group(cls=Group, help=tr("cli.models"))
def command() -> None:
    pass


@command.command("pull", help=tr("cli.models.pull"))
@click.argument("name")
@click.option("--revision", default="main", show_default=True, help=tr("cli.models.revision"))
@_json
def pull(name: str, revision: str, as_json: bool) -> None:
    folder = _locate(name, revision)
    emit({"name": name, "folder": str(folder)}) if as_json else say(str(folder))


@command.command("path", help=tr("cli.models.path"))
@click.argument("name")
@_json
def path(name: str, as_json: bool) -> None:
    folder = _locate(name, "main")
    emit({"name": name, "folder": str(folder)}) if as_json else say(str(folder))


def _locate(name: str, revision: str) -> Path:
    from conch.models.headers import read_model_files
    from conch.models.locate import Request, locate

    folder = locate(Request(name, revision, notify=whisper)).folder
    read_model_files(folder)
    return folder


@dataclass(frozen=True)
class Entry:
    name: str
    folder: Path

    def facts(self) -> dict[str, Any]:
        from conch.models.headers import read_model_files

        files = read_model_files(self.folder)
        architecture = next(iter(files.config.get("architectures") or []), "?")
        taken = sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())
        return {
            "name": self.name,
            "architecture": architecture,
            "parameters": files.parameters,
            "dtype": files.dtype,
            "bytes": taken,
            "folder": str(self.folder),
        }


def _kept() -> list[Entry]:
    """Models in Conch's own folder. Hub caches keep theirs."""
    from conch.models.convert import MANIFEST, models_folder

    if not models_folder().is_dir():
        return []
    return [Entry(p.name, p) for p in sorted(models_folder().iterdir()) if (p / MANIFEST).is_file()]


@command.command("list", help=tr("cli.models.list"))
@_json
def list_command(as_json: bool) -> None:
    listed = [entry.facts() for entry in _kept()]
    if as_json:
        emit(listed)
    elif not listed:
        say(tr("cli.models.none"))
    for facts in [] if as_json else listed:
        millions = f"{facts['parameters'] / 1e6:.0f} M"
        taken = size(facts["bytes"])
        say(f"{facts['name']:<32} {facts['architecture']:<24} {millions:>10} {facts['dtype']:>5} {taken:>9}")


@command.command("remove", help=tr("cli.models.remove"))
@click.argument("name")
@_json
def remove(name: str, as_json: bool) -> None:
    import shutil

    from conch.core.errors import ModelError

    found = next((entry for entry in _kept() if entry.name == name), None)
    if found is None:
        raise ModelError("models.not_kept", name=name)
    shutil.rmtree(found.folder)
    emit({"removed": name}) if as_json else say(tr("cli.models.removed", name=name))
