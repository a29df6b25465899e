"""What a user calls a model → the folder it lies in, obtained first if need be.

A reference may be a bundled name, a run, a model or adapter folder, a hub cache folder (or a
snapshot in it), a GGUF file, an archive of a model folder or a hub id. Every command takes all of them.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conch.config.model import ModelConfig
from conch.core.errors import ModelError
from conch.core.files import exists, expanded, write_whole
from conch.core.hubs import NO_TOKENS, Tokens, looks_like_id
from conch.models import convert, pull
from conch.models.hub import archive
from conch.models.hub.pypi import STARTERS
from conch.models.pull_events import Narrator, Report
from conch.models.wish import Wish
from conch.runs import store
from conch.runs.run import ENDED, Run

Notify = Callable[[str], None]


def silent(_: str) -> None:
    pass


BELOW = "adapters_below.json"


@dataclass(frozen=True)
class Located:
    """A model on this machine: a folder with weights, and the adapters that belong on top of it."""

    name: str
    folder: Path
    adapters: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Request:
    """A reference together with what is needed to obtain it."""

    reference: str
    revision: str = "main"
    cache_dir: Path | None = None
    tokens: Tokens = NO_TOKENS
    notify: Notify = silent
    source: str | None = None
    """Where to fetch from, as the config key `model_source`."""
    report: Report | None = None
    """Who is told how a download goes on; unless given, `notify` hears the main things."""
    check: bool = False
    """Whether a hub's model that is at hand is compared with the hub's list."""
    obtain: bool = True
    """Whether to fetch or convert what is not at hand, or else to raise NotAtHandError."""
    above: tuple[Path, ...] = ()
    """Adapters whose base this is."""

    @staticmethod
    def of(config: ModelConfig, notify: Notify = silent) -> Request:
        cache = expanded(config.cache_dir) if config.cache_dir else None
        return Request(
            config.model_name_or_path,
            config.model_revision,
            cache,
            config.tokens(),
            notify,
            config.model_source,
        )

    def wish(self) -> Wish:
        return Wish(self.reference, self.revision, self.source, self.tokens, self.cache_dir, self.check)

    def listener(self) -> Report:
        """Who hears of a download's events."""
        return self.report or Narrator(self.notify)

    def obtained(self, make: Callable[[], Path]) -> Path:
        if not self.obtain:
            raise NotAtHandError
        return make()


class NotAtHandError(Exception):
    """Our own signal: the model would have to be fetched or converted first."""


def locate(request: Request) -> Located:
    """Find `request.reference`, downloading or converting it if need be. Raises ModelError."""
    reference = request.reference
    if reference in STARTERS:
        made = request.obtained(lambda: convert.starter(STARTERS[reference], request.notify))
        return Located(reference, made)
    path = expanded(reference)
    there = exists(path)
    if store.names_run(reference) and not there:
        return _run(request)
    if there:
        return _path(path.absolute(), request)
    if looks_like_id(reference):
        at_hand = None if request.check else pull.kept(request.wish())
        folder = at_hand or request.obtained(lambda: pull.pull(request.wish(), request.listener()))
        return Located(reference.rpartition("/")[2], folder)
    if store.is_called(reference):
        return _run(request)
    raise _unknown(reference)


def is_hub_id(reference: str) -> bool:
    """Whether `reference` names a model of a hub, since it is not a path on this machine."""
    return looks_like_id(reference) and not exists(expanded(reference))


def find(request: Request) -> Located | None:
    """As `locate`, but at once: None where the model would have to be fetched or converted first."""
    try:
        return locate(replace(request, obtain=False))
    except NotAtHandError:
        return None


def _unknown(reference: str) -> ModelError:
    if "/" in reference or reference.endswith((".gguf", ".safetensors")):
        return ModelError("models.no_path", path=reference)
    known = [*STARTERS, *(run.id for run in store.list_runs()[:20])]
    close = difflib.get_close_matches(reference, known, n=1, cutoff=0.4)
    return ModelError("models.unknown", name=reference, known=close[0] if close else ", ".join(STARTERS))


def _path(path: Path, request: Request) -> Located:
    if path.is_file():
        if archive.is_archive(path):
            made = request.obtained(lambda: convert.unpacked(path, request.notify))
            return Located(archive.stem(path), made)
        if path.suffix != ".gguf":
            raise ModelError("models.not_a_model", path=path)
        return Located(path.stem, request.obtained(lambda: convert.gguf(path, request.notify)))
    if (path / "adapter_config.json").is_file():
        return _adapter(path, request)
    if "--" in path.name and (path / "snapshots").is_dir():
        return Located(path.name.rpartition("--")[2], snapshot_of(path))
    if path.parent.name == "snapshots" and "--" in path.parent.parent.name:
        return Located(path.parent.parent.name.rpartition("--")[2], path)
    if not (path / "config.json").is_file():
        files = sorted(path.glob("*.gguf"))
        if len(files) == 1:
            return _path(files[0], request)
    return Located(path.name, path)


def snapshot_of(cache: Path) -> Path:
    """The snapshot that `main` names, else the newest."""
    main = cache / "refs" / "main"
    if main.is_file():
        named = cache / "snapshots" / main.read_text().strip()
        if named.is_dir():
            return named
    snapshots = sorted(
        (path for path in (cache / "snapshots").iterdir() if path.is_dir()),
        key=lambda path: path.stat().st_mtime,
    )
    if not snapshots:
        raise ModelError("models.empty_cache", folder=cache)
    return snapshots[-1]


def _adapter(folder: Path, request: Request) -> Located:
    """An adapter folder: its base, with it on top."""
    try:
        base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))[
            "base_model_name_or_path"
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("models.bad_adapter", folder=folder, reason=error) from error
    if not isinstance(base, str) or folder in request.above:
        raise ModelError("models.bad_adapter", folder=folder, reason="base_model_name_or_path")
    below = locate(replace(request, reference=base, above=(*request.above, folder)))
    return Located(_adapter_name(folder), below.folder, (*below.adapters, *adapters_below(folder), folder))


def write_below(folder: Path, adapters: Sequence[Path]) -> None:
    """Note in an adapter folder which adapters its base had merged into it when it was trained.

    peft records the base's files only, which know nothing of those.
    """
    if adapters:
        write_whole(folder / BELOW, json.dumps([str(path.absolute()) for path in adapters]))


def adapters_below(folder: Path) -> list[Path]:
    """The adapters that `write_below` noted. Raises ModelError where one is gone."""
    file = folder / BELOW
    if not file.is_file():
        return []
    try:
        found = [Path(path) for path in json.loads(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise ModelError("models.bad_adapter", folder=folder, reason=error) from error
    for path in found:
        if not (path / "adapter_config.json").is_file():
            raise ModelError("models.adapter_below", folder=folder, below=path)
    return found


def _adapter_name(folder: Path) -> str:
    """The folder's own name; of a run's output and the checkpoints in it, the run's."""
    output = next((place for place in (folder, folder.parent) if place.name == "output"), None)
    return output.parent.name if output else folder.name


def _without_model(run: Run) -> ModelError:
    """Why a run has no model, and how to come by one: wait, go on, or use its newest checkpoint."""
    kind = "ended" if run.state() in ENDED else "unfinished"
    newest = next(iter(reversed(run.checkpoints())), None)
    key = f"models.run_{kind}_saved" if newest else f"models.run_{kind}"
    return ModelError(key, run=run.id, state=run.told_state(), checkpoint=newest)


def _run(request: Request) -> Located:
    run = store.find(request.reference)
    if not (run.output / "config.json").is_file() and not (run.output / "adapter_config.json").is_file():
        raise _without_model(run)
    return replace(_path(run.output, request), name=run.id)
