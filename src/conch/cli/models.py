"""`conch models …`: base models on this machine, and how they come here."""

from __future__ import annotations

from pathlib import Path

import click

from conch.cli.common import json_option
from conch.cli.group import Group
from conch.cli.output import emit, say, size, whisper
from conch.core.text import tr

_yes = click.option("--yes", is_flag=True, help=tr("cli.models.yes"))
_source = click.option("--source", help=tr("cli.models.source_option"))
_revision = click.option("--revision", default="main", show_default=True, help=tr("cli.models.revision"))


@click.group(cls=Group, help=tr("cli.models"))
def command() -> None:
    pass


@command.command("pull", help=tr("cli.models.pull"))
@click.argument("name")
@_source
@_revision
@click.option("--check", is_flag=True, help=tr("cli.models.check"))
@json_option
def pull(name: str, source: str | None, revision: str, check: bool, as_json: bool) -> None:
    from conch.cli.pulling import PullView
    from conch.models.locate import Request, is_hub_id, locate

    with PullView(name) as view:
        request = Request(
            name, revision, notify=whisper, source=_checked(source), report=view.show, check=check
        )
        folder = locate(request).folder
    if not view.begun and is_hub_id(name):
        whisper(tr("cli.models.not_compared", name=name))
    _tell(name, folder, as_json)


@command.command("path", help=tr("cli.models.path"))
@click.argument("name")
@json_option
def path(name: str, as_json: bool) -> None:
    from conch.models.locate import Request, locate

    _tell(name, locate(Request(name, notify=whisper)).folder, as_json)


def _tell(name: str, folder: Path, as_json: bool) -> None:
    from conch.models.headers import read_model_files

    read_model_files(folder)
    emit({"name": name, "folder": str(folder)}) if as_json else say(str(folder))


def _checked(source: str | None) -> str | None:
    from conch.config.settings import check_source

    return check_source(source) if source else None


@command.command("source", help=tr("cli.models.source"))
@click.argument("source", required=False)
@json_option
def source_command(source: str | None, as_json: bool) -> None:
    from conch.config import settings

    if source is not None:
        settings.settle_source(source)
    settled = settings.default_source()
    known = {"source": settled, "file": str(settings.settings_file())}
    emit(known) if as_json else say(tr("cli.models.source_now", source=settled))


@command.command("list", help=tr("cli.models.list"))
@json_option
def list_command(as_json: bool) -> None:
    from conch.models.inventory import entries

    found = entries()
    if not found:
        emit([]) if as_json else say(tr("cli.models.none"))
        return
    from conch.cli.models_view import entry_facts, table
    from conch.models.hardware import find_room

    room = find_room()
    listed = [entry_facts(entry, room) for entry in found]
    if as_json:
        emit(listed)
        return
    for line in table(listed, room):
        say(line)


@command.command("info", help=tr("cli.models.info"))
@click.argument("name")
@_source
@_revision
@json_option
def info(name: str, source: str | None, revision: str, as_json: bool) -> None:
    from conch.cli.models_view import info_facts, sheet
    from conch.models.hardware import find_room

    room = find_room()
    facts = info_facts(name, revision, _checked(source), room)
    if as_json:
        emit(facts)
        return
    for line in sheet(facts, room):
        say(line)


@command.command("search", help=tr("cli.models.search"))
@click.argument("words", nargs=-1, required=True)
@_source
@json_option
def search_command(words: tuple[str, ...], source: str | None, as_json: bool) -> None:
    from conch.cli.models_view import found_table
    from conch.models.search import search

    results = search(" ".join(words), _checked(source))
    if as_json:
        emit({"source": results.source, "found": [vars(each) for each in results.found]})
        return
    for line in found_table(results):
        say(line)


@command.command("remove", help=tr("cli.models.remove"))
@click.argument("name")
@_yes
@json_option
def remove(name: str, yes: bool, as_json: bool) -> None:
    from conch.models import inventory

    entry = inventory.find_entry(name)
    freed = entry.bytes()
    question = tr("cli.models.remove_sure", name=entry.name, folder=entry.root, size=size(freed))
    _ask(question, yes, as_json)
    inventory.remove(entry)
    facts = {"removed": entry.name, "folder": str(entry.root), "freed_bytes": freed}
    emit(facts) if as_json else say(tr("cli.models.removed", name=entry.name, size=size(freed)))


@command.command("move", help=tr("cli.models.move"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--without-caches", is_flag=True, help=tr("cli.models.without_caches"))
@_yes
@json_option
def move(folder: Path, without_caches: bool, yes: bool, as_json: bool) -> None:
    from conch.cli.pulling import moving
    from conch.models.moving import move as move_places
    from conch.models.moving import plan

    places = plan(folder, caches=not without_caches)
    for place in places:
        whisper(tr("cli.models.move_plan", link=place.link, target=place.target, size=size(place.size)))
    if places:
        _ask(tr("cli.models.move_sure"), yes, as_json)
        with moving(sum(place.size for place in places)) as told:
            move_places(places, told)
    if as_json:
        emit({"moved": [place.to_dict() for place in places]})
    else:
        say(tr("cli.models.moved" if places else "cli.models.moved_already"))


def _ask(question: str, yes: bool, as_json: bool) -> None:
    """Go on only if the user agrees, now or by --yes. A program can't be asked."""
    from conch.core.errors import UsageError

    if yes:
        return
    if as_json:
        raise UsageError("cli.models.say_yes")
    if not click.confirm(question, err=True):
        raise click.Abort
