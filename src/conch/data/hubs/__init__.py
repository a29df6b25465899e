"""Datasets of hubs: their data files, through the hubs' own client libraries and caches.

The hubs are tried in the order that is asked for (`dataset_source`, `model_source`), else in that of
what is settled for models (`conch models source`, see `conch.config.settings`): a mirror where one
was chosen, else the Hugging Face hub, its mirror, and ModelScope. The next one is tried where one
can't be reached or does not have the dataset, not where it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from conch.config import settings
from conch.core import env, hubs
from conch.core.errors import DataError
from conch.core.notice import Hear, Notice, unheard
from conch.data.dataset import HubPlace
from conch.data.hubs.choice import choose
from conch.data.hubs.hub import DatasetHub, NotServedError
from conch.data.hubs.huggingface import HuggingFace
from conch.data.hubs.modelscope import ModelScope

CARD = "README.md"


def fetch(places: Sequence[HubPlace], source: str | None = None, told: Hear = unheard) -> list[Path]:
    """The data files of a dataset that lies at each of `places`. Raises DataError.

    `told` hears which hub served where one before it could not.
    """
    failures: list[tuple[str, DataError]] = []
    for hub, place in _attempts(places, source or settings.default_source()):
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
    raise DataError("data.hubs_failed", repo=places[0].repo, reasons=reasons)


def _fetch(hub: DatasetHub, place: HubPlace) -> list[Path]:
    names = hub.names(place)
    card = ""
    if CARD in names:
        card = (hub.folder(place, [CARD]) / CARD).read_text(encoding="utf-8", errors="replace")
    chosen = choose(names, card, place)
    folder = hub.folder(place, chosen)
    return [folder / name for name in chosen]


def _attempts(places: Sequence[HubPlace], setting: str) -> Iterator[tuple[DatasetHub, HubPlace]]:
    """The hubs to try, each with the place that is on it. Where no named hub can have it, those that can."""
    found = [
        (hub, place)
        for part in setting.split(",")
        for hub in _named(part.strip())
        for place in places
        if _kind(hub) == place.hub
    ]
    yield from found or ((hub, place) for place in places for hub in _of_kind(place.hub))


def _named(part: str) -> list[DatasetHub]:
    match part:
        case "auto":
            return [*_of_kind("huggingface"), *_of_kind("modelscope")]
        case "huggingface":
            return [HuggingFace(hubs.HUGGINGFACE)]
        case "hf-mirror":
            return [HuggingFace(hubs.HF_MIRROR)]
        case "modelscope":
            return _of_kind("modelscope")
        case url:
            return [HuggingFace(url.rstrip("/"))]


def _of_kind(kind: str) -> list[DatasetHub]:
    """The usual hubs of a kind. The mirror gets no token, since nobody named it."""
    if kind == "modelscope":
        return [ModelScope(env.modelscope_endpoint())]
    endpoint = env.hub_endpoint()  # where set, the user's word on the matter
    if endpoint is not None:
        return [HuggingFace(endpoint)]
    return [HuggingFace(hubs.HUGGINGFACE), HuggingFace(hubs.HF_MIRROR, logged_in=False)]


def _kind(hub: DatasetHub) -> str:
    return "modelscope" if isinstance(hub, ModelScope) else "huggingface"
