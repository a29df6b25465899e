"""What a run was submitted with, written down once, so that going on with something else is noticed."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from conch.core.files import write_whole
from conch.core.leftovers import hostname

PACKAGES = ("conch", "torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers")
FREE = frozenset(
    {
        *("num_train_epochs", "max_steps", "run_name", "output_dir", "overwrite_output_dir"),
        *("resume_from_checkpoint", "plot_loss", "report_to", "cache_dir", "dataset_dir"),
        *("logging_steps", "logging_first_step", "save_strategy", "save_steps", "save_total_limit"),
        *("save_disk_budget", "disk_wait_minutes"),
        *("eval_strategy", "eval_steps", "per_device_eval_batch_size", "do_eval", "compute_accuracy"),
    }
)
"""Keys that may change between two attempts without making the second another training."""
_BLOCK = 1 << 20
SAMPLES, _SAMPLE = 64, 1 << 14


@dataclass(frozen=True)
class Provenance:
    """Data and template by content, settings by value, the rest for the record."""

    config: dict[str, Any]
    data: dict[str, str]
    """Each dataset file with the SHA-256 of its content."""
    template: dict[str, str]
    """The name of the template or its file, and the SHA-256 of its text where it has one of its own."""
    model: dict[str, str] = field(default_factory=dict)
    """Each file of the model, and of the adapters on it, with a digest of samples of its content."""
    packages: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None

    def write(self, path: Path) -> None:
        write_whole(path, json.dumps(asdict(self), ensure_ascii=False, indent=2, default=str))


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was: `kind` data, model, template or setting."""

    kind: str
    name: str
    before: str
    now: str


def read(path: Path) -> Provenance | None:
    """What was written down; None for a run of an older version, or where somebody broke the file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Provenance(**found)
    except (OSError, ValueError, TypeError):
        return None


def record(
    config: Mapping[str, Any], files: Iterable[Path], template: Mapping[str, str], model: Mapping[str, Path]
) -> Provenance:
    """What stands now, for a run with this flat config that reads these files, and the model's by name."""
    return Provenance(
        config=json.loads(json.dumps(dict(config), default=str)),
        data={str(file): digest(file) for file in files},
        template=dict(template),
        model={name: sampled(file) for name, file in model.items()},
        packages=_versions(),
        machine={"host": hostname(), "system": platform.platform(), "cpus": os.cpu_count()},
        seed=config.get("seed"),
    )


def differences(before: Provenance, now: Provenance) -> list[Difference]:
    """What would make going on another training than the one that was begun."""
    found = [
        Difference("data", name, before.data.get(name, "-")[:12], now.data.get(name, "-")[:12])
        for name in {**before.data, **now.data}
        if before.data.get(name) != now.data.get(name)
    ]
    if before.model and now.model:  # it may have been fetched since
        found += [
            Difference("model", name, before.model.get(name, "-")[:12], now.model.get(name, "-")[:12])
            for name in {**before.model, **now.model}
            if before.model.get(name) != now.model.get(name)
        ]
    if _template_differs(before.template, now.template):
        found.append(Difference("template", *_both(before.template, now.template)))
    for key in {**before.config, **now.config}:
        old, new = before.config.get(key), now.config.get(key)
        if key not in FREE and old != new:
            found.append(Difference("setting", key, json.dumps(old), json.dumps(new)))
    return found


def _template_differs(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """By name, and by content where both are known: a model may have been fetched since."""
    known = "sha256" in before and "sha256" in now
    return before.get("name") != now.get("name") or (known and before["sha256"] != now["sha256"])


def _both(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, str, str]:
    name = now.get("name", "-")
    return name, before.get("sha256", "-")[:12], now.get("sha256", "-")[:12]


def digest(file: Path) -> str:
    """The SHA-256 of a file's content; a dash where it can't be read."""
    sha = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                sha.update(block)
    except OSError:
        return "-"
    return sha.hexdigest()


def sampled(file: Path) -> str:
    """The SHA-256 of a file's length and of up to 64 blocks spread over it; a dash where it can't be read.

    Weights take minutes to read whole, and other weights differ nearly everywhere.
    """
    try:
        length = file.stat().st_size
        sha = hashlib.sha256(str(length).encode())
        with file.open("rb") as opened:
            for number in range(SAMPLES):
                opened.seek(max(0, length - _SAMPLE) * number // (SAMPLES - 1))
                sha.update(opened.read(_SAMPLE))
    except OSError:
        return "-"
    return sha.hexdigest()


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
