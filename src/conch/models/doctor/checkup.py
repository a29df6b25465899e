"""The whole examination, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from conch.models.doctor import devices, network, packages, storage
from conch.models.doctor.finding import Finding


def examine(home: Path, *, ask_network: bool = False) -> Iterator[Finding]:
    """Everything that there is to say, finding by finding, as each is made."""
    yield packages.python()
    yield from packages.versions()
    yield from devices.cpu()
    yield devices.memory()
    cards = list(devices.gpus())
    yield from cards
    yield from packages.torch(cards=any(finding.key == "gpu" for finding in cards))
    yield from storage.examine(home)
    if ask_network:
        yield from network.hubs()
