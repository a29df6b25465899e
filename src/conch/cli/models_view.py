"""What `conch models list` and `info` say of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conch.cli.layout import columns, pad, width_of
from conch.cli.output import size, whisper
from conch.core.errors import ConchError, ModelError
from conch.core.text import tr
from conch.models.fit import METHODS, fits
from conch.models.hardware import Room
from conch.models.headers import ModelFiles, read_model_files
from conch.models.inventory import Entry, describe, find_entry, has_chat_template
from conch.models.search import Results


def entry_facts(entry: Entry, room: Room) -> dict[str, Any]:
    """One model of this machine. What can't be read has a `problem` instead of its figures."""
    facts: dict[str, Any] = {
        "name": entry.name,
        "source": entry.source,
        "folder": str(entry.folder or entry.root),
        "bytes": entry.bytes(),
    }
    try:
        files = entry.read()
        facts |= _figures(files, room)
    except ConchError as error:
        return facts | {"problem": error.message}
    return facts | {"chat_template": has_chat_template(files.folder)}


def _figures(files: ModelFiles, room: Room) -> dict[str, Any]:
    estimates = fits(files, room)
    return {**describe(files), "training": {name: fit.to_dict() for name, fit in estimates.items()}}


def info_facts(name: str, revision: str, source: str | None, room: Room) -> dict[str, Any]:
    """The same of any model: on this machine, or on the hub that is asked. Raises ModelError."""
    from conch.models.locate import is_hub_id

    if revision == "main" and source is None:
        try:
            return entry_facts(find_entry(name), room) | {"on_this_machine": True}
        except ModelError as error:
            if error.key != "models.not_kept":
                raise
    if is_hub_id(name):
        return _remote_facts(name, revision, source, room)
    return _folder_facts(name, room)


def _folder_facts(name: str, room: Room) -> dict[str, Any]:
    from conch.models.locate import Request, find

    located = find(Request(name))
    if located is None:
        raise ModelError("models.not_here", name=name)
    files = read_model_files(located.folder)
    taken = sum(path.stat().st_size for path in located.folder.rglob("*") if path.is_file())
    facts = {"name": located.name, "source": "folder", "folder": str(located.folder), "bytes": taken}
    template = {"chat_template": has_chat_template(located.folder), "on_this_machine": True}
    return facts | _figures(files, room) | template


def _remote_facts(name: str, revision: str, source: str | None, room: Room) -> dict[str, Any]:
    from conch.models.pull import kept
    from conch.models.pull_events import Narrator
    from conch.models.remote import look
    from conch.models.wish import Wish

    wish = Wish(name, revision, source)
    model, folder = look(wish, Narrator(whisper)), kept(wish)
    facts = {"name": name, "source": model.source, "commit": model.commit, "bytes": model.size}
    facts |= {"folder": str(folder)} if folder else {}
    template = {"chat_template": model.chat_template, "on_this_machine": folder is not None}
    return facts | _figures(model.files, room) | template


def table(listed: list[dict[str, Any]], room: Room) -> Iterator[str]:
    """A line a model, and what the last column was measured against."""
    rows = [[tr(f"cli.models.column.{name}") for name in COLUMNS]]
    for facts in listed:
        if "problem" in facts:
            rows.append(
                [facts["name"], facts["source"], *("-" * 3), size(facts["bytes"]), "-", facts["problem"]]
            )
            continue
        template = tr("cli.models.template_own" if facts["chat_template"] else "cli.models.template_none")
        fitting = [
            _marked(name, facts["training"][name]) for name in METHODS if facts["training"][name]["fits"]
        ]
        rows.append(
            [
                *(facts["name"], facts["source"], facts["architecture"], _count(facts["parameters"])),
                *(facts["dtype"], size(facts["bytes"]), template, ", ".join(fitting) or "-"),
            ]
        )
    yield from columns(rows, right={3, 5})
    yield ""
    yield tr("cli.models.fits_foot", device=room.name, size=size(room.bytes), dtype=room.dtype)
    if any(MARK in row[-1] for row in rows):
        yield tr("cli.models.estimate_only_foot")


def found_table(results: Results) -> Iterator[str]:
    """What a search found, a line a model."""
    if not results.found:
        yield tr("cli.models.nothing_found", source=results.source)
        return
    rows = [[tr(f"cli.models.column.{name}") for name in ("name", "parameters", "downloads", "likes")]]
    for each in results.found:
        figures = ["-" if count is None else f"{count:,}" for count in (each.downloads, each.likes)]
        rows.append([each.repo, "-" if each.parameters is None else _count(each.parameters), *figures])
    yield from columns(rows, right={1, 2, 3})
    yield ""
    yield tr("cli.models.found_foot", source=results.source)


def _marked(method: str, fit: dict[str, Any]) -> str:
    return method + (MARK if fit["estimate_only"] else "")


MARK = "*"
NO_PARTS = frozenset({"total", "fits", "estimate_only"})
"""What a fit says beside the parts of its memory."""
COLUMNS = ("name", "source", "architecture", "parameters", "dtype", "size", "template", "fits")


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.2f} B" if parameters >= 1e9 else _millions(parameters)


def _millions(parameters: int) -> str:
    return f"{parameters / 1e6:.0f} M" if parameters >= 1e6 else f"{parameters / 1e3:.0f} k"


def sheet(facts: dict[str, Any], room: Room) -> Iterator[str]:
    """Everything of one model, a line each."""
    shown = {
        "name": facts["name"],
        "source": _source(facts["source"]),
        "folder": facts.get("folder") or tr("cli.models.not_here"),
        "size": size(facts["bytes"]),
    }
    if "problem" in facts:
        yield from _sheet_lines({**shown, "problem": facts["problem"]})
        return
    template = tr("cli.models.template_own" if facts["chat_template"] else "cli.models.template_none")
    yield from _sheet_lines(
        {
            **shown,
            "architecture": facts["architecture"],
            "parameters": tr("cli.aside", text=_count(facts["parameters"]), aside=f"{facts['parameters']:,}"),
            "dtype": facts["dtype"],
            "template": template,
        }
    )
    yield tr("cli.models.fits_note", device=room.name, size=size(room.bytes), dtype=room.dtype)
    for name in METHODS:
        parts = facts["training"][name]
        detail = tr("cli.comma").join(
            f"{tr(f'cli.plan.memory.{part}')} {size(count)}"
            for part, count in parts.items()
            if part not in NO_PARTS
        )
        verdict = tr("cli.models.fits" if parts["fits"] else "cli.models.fits_not")
        verdict += tr("cli.models.estimate_only") if parts["estimate_only"] else ""
        yield tr("cli.aside", text=f"  {name:<6} {size(parts['total']):>9}  {verdict}", aside=detail)


def _source(name: str) -> str:
    return tr("cli.models.from_folder") if name == "folder" else name


def _sheet_lines(values: dict[str, str]) -> Iterator[str]:
    heads = {name: tr(f"cli.models.fact.{name}") for name in values}
    width = max(map(width_of, heads.values())) + 2
    for name, value in values.items():
        yield f"{pad(heads[name], width)}{value}"
