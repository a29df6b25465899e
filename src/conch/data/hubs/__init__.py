"""Datasets of hubs: their data files, through the hubs' own client libraries and caches.

The hubs are tried in the order that is asked for (`dataset_source`, `model_source`), else in that of
what is settled for models (`conch models source`, see `conch.config.settings`), by the same rules
(`conch.core.hubs`). The next one is tried where one can't be reached or does not have the dataset, not
where it refuses, and not where it is no hub's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from conch.config import settings
from conch.core import hubs
from conch.core.errors import DataError
from conch.core.notice import Hear, Notice, unheard
from conch.data.dataset import Dataset, HubPlace
from conch.data.hubs.choice import choose
from conch.data.hubs.hub import DatasetHub, NotServedError
from conch.data.hubs.huggingface import HuggingFace
from conch.data.hubs.modelscope import ModelScope

CARD = "README.md"


def fetch(dataset: Dataset, told: Hear = unheard) -> list[Path]:
    """The data files of a dataset that lies on hubs. Raises DataError.

    `told` hears which hub served where one before it could not.
    """
    failures: list[tuple[str, DataError]] = []
    for hub, place in _attempts(dataset):
        try:
            found = _fetch(hub, place)
        except NotServedError as error:
            failures.append((hub.name, error))
            continue
        if failures:
            failed = ", ".join(name for name, _ in failures)
            told(Notice("data.hub_next", {"repo": place.repo, "hub": hub.name, "failed": failed}))
        return found
    if len({error.message for _, error in failures}) == 1:
        raise failures[0][1]
    reasons = "".join(f"\n  {name}: {error.message}" for name, error in failures)
    raise DataError("data.hubs_failed", repo=dataset.hubs[0].repo, reasons=reasons)


def _fetch(hub: DatasetHub, place: HubPlace) -> list[Path]:
    names = hub.names(place)
    card = ""
    if CARD in names:
        card = (hub.folder(place, [CARD]) / CARD).read_text(encoding="utf-8", errors="replace")
    chosen = choose(names, card, place)
    folder = hub.folder(place, chosen)
    return [folder / name for name in chosen]


def _attempts(dataset: Dataset) -> Iterator[tuple[DatasetHub, HubPlace]]:
    """The hubs to try, each with the place that is on it. Where no named hub can have it, those that can."""
    named = hubs.expand(dataset.source or settings.default_source())
    found = [(hub, place) for hub in named for place in dataset.hubs if hub.kind == place.hub]
    found = found or [(hub, place) for place in dataset.hubs for hub in hubs.usual(place.hub)]
    yield from ((CLIENTS[hub.kind](hub, dataset.tokens), place) for hub, place in found)


def _huggingface(hub: hubs.Hub, tokens: hubs.Tokens) -> DatasetHub:
    return HuggingFace(hub.endpoint, tokens.huggingface if hub.trusted else False)


def _modelscope(hub: hubs.Hub, tokens: hubs.Tokens) -> DatasetHub:
    return ModelScope(hub.endpoint, tokens.modelscope)


CLIENTS: dict[hubs.Kind, Callable[[hubs.Hub, hubs.Tokens], DatasetHub]] = {
    "huggingface": _huggingface,
    "modelscope": _modelscope,
}
"""Kind of hub to what makes a client of one."""
