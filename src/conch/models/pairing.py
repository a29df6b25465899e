"""Whether an adapter and what it is put on belong together.

Shapes that do not match are refused when the adapter is read. What is found here fits in shape and is
still likely to answer badly: another model of the same family, a base that has the adapter merged
into it already, an adapter put on twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from conch.core.files import expanded, is_dir
from conch.core.hubs import looks_like_id
from conch.core.notice import Notice
from conch.models.locate import adapters_below

PROOF = "export_proof.json"
"""An export has it, and so a folder that something was merged into."""
SAMPLES = 16
SAMPLE_BYTES = 4096


def strangers(base: Path, below: Sequence[Path], adapters: Sequence[Path]) -> tuple[Notice, ...]:
    """What is odd about putting `adapters`, one after the other, on `base` with the adapters `below`."""
    found = []
    under = tuple(below)
    for adapter in adapters:
        notice = _stranger(base, under, adapter)
        if notice is not None:
            found.append(notice)
        under = (*under, adapter)
    return tuple(found)


def _stranger(base: Path, below: Sequence[Path], adapter: Path) -> Notice | None:
    if adapter.resolve() in _resolved(below):
        return Notice("models.adapter_twice", {"adapter": adapter})
    recorded = _recorded_base(adapter)
    if recorded and not _is_base(recorded, base):
        return _on_other_base(adapter, recorded, base)
    if _resolved(adapters_below(adapter)) != _resolved(below):
        shown = ", ".join(map(str, below)) or "-"
        return Notice("models.adapter_other_below", {"adapter": adapter, "below": shown})
    return None


def _on_other_base(adapter: Path, recorded: str, base: Path) -> Notice:
    if (base / PROOF).is_file():
        return Notice("models.adapter_on_merged", {"adapter": adapter, "recorded": recorded, "base": base})
    return Notice("models.adapter_stranger", {"adapter": adapter, "recorded": recorded, "base": base})


def _resolved(folders: Sequence[Path]) -> list[Path]:
    return [folder.resolve() for folder in folders]


def _recorded_base(adapter: Path) -> str:
    """The model that the adapter says it was trained on; empty where it says none."""
    try:
        base = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get(
            "base_model_name_or_path"
        )
    except (OSError, ValueError, AttributeError):
        return ""
    return base if isinstance(base, str) else ""


def _is_base(recorded: str, base: Path) -> bool:
    """Whether `recorded` names the model in `base`: by its place, its weights, or (elsewhere) its name."""
    folder = expanded(recorded)
    if is_dir(folder):
        return folder.resolve() == base.resolve() or _same_weights(folder, base)
    if looks_like_id(recorded):
        cache = f"models--{recorded.replace('/', '--')}"
        names = {base.name.lower(), *(parent.name.lower() for parent in base.parents)}
        return cache.lower() in names or recorded.rpartition("/")[2].lower() == base.name.lower()
    return folder.name == base.name  # a folder of another machine


def _same_weights(one: Path, other: Path) -> bool:
    """Whether both folders hold the same weights, as far as samples of the files show."""
    files = [sorted(folder.glob("*.safetensors")) for folder in (one, other)]
    if [file.name for file in files[0]] != [file.name for file in files[1]]:
        return False
    try:
        return all(_sampled(a) == _sampled(b) for a, b in zip(*files, strict=True))
    except OSError:  # what can't be read is told when it is loaded
        return False


def _sampled(file: Path) -> tuple[int, list[bytes]]:
    """The length of a file, and some of its bytes from all over it."""
    length = file.stat().st_size
    with file.open("rb") as opened:
        taken = []
        for number in range(SAMPLES):
            opened.seek(max(0, length - SAMPLE_BYTES) * number // (SAMPLES - 1))
            taken.append(opened.read(SAMPLE_BYTES))
    return length, taken
