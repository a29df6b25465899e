"""LoRA merged into its base: one folder of safetensors that needs no adapter.

The merge itself is done in fp32, then rounded once to the export's format. The folder takes
its name only after its answers were held against the adapter's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from conch.config.export import ExportConfig
from conch.config.model import ModelConfig
from conch.core.errors import ExportError
from conch.core.files import publish, temporary_folder, write_whole
from conch.core.text import tr
from conch.exporting.proof import Proof, answers, compare
from conch.models.hardware import Device, cpu_device, find_device
from conch.models.headers import read_model_files
from conch.models.load import LoadedModel, generation_config, load, stored_dtype
from conch.models.locate import Request, locate

Notify = Callable[[str], None]
HEADROOM = 1.1
"""Free disk asked for, as a multiple of the weights."""


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how it was proved."""

    folder: Path
    bytes: int
    dtype: str
    proof: Proof

    def to_dict(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "bytes": self.bytes,
            "dtype": self.dtype,
            "proof": self.proof.to_dict(),
        }


def export(config: ExportConfig, notify: Notify = lambda _: None) -> ExportReport:
    """Merge, write, prove, and only then give the folder its name.

    Raises ExportError where the target is in use, the disk too small, or the proof fails.
    """
    target = Path(config.export_dir).expanduser().absolute()
    _check_target(target)
    model_config = ModelConfig(
        model_name_or_path=config.model_name_or_path,
        adapter_name_or_path=config.adapter_name_or_path,
        trust_remote_code=config.trust_remote_code,
        model_revision=config.model_revision,
        cache_dir=config.cache_dir,
        hf_hub_token=config.hf_hub_token,
    )
    base = locate(Request.of(model_config, notify)).folder
    dtype = stored_dtype(base) if config.infer_dtype == "auto" else config.infer_dtype
    _check_space(target, base, dtype)
    notify(tr("export.merging"))
    device = cpu_device() if config.export_device == "cpu" else find_device()
    source = load(model_config, dtype="float32", device=device, template=config.template)
    wanted = answers(source)
    try:
        with temporary_folder(target.parent) as staging:
            _write(source, base, staging, dtype, config.export_size)
            del source
            notify(tr("export.proving"))
            proof = compare(wanted, answers(_read_back(staging, config, device)), dtype)
            write_whole(
                staging / "export_proof.json", json.dumps(proof.to_dict(), ensure_ascii=False, indent=2)
            )
            if not proof.holds and not config.allow_difference:
                raise ExportError(
                    "export.differs",
                    difference=f"{proof.max_logit_difference:.2g}",
                    bound=f"{proof.bound:g}",
                    same=proof.same_answers,
                    prompts=proof.prompts,
                )
            publish(staging, target)
    except OSError as error:
        raise ExportError("export.unwritable", folder=target, reason=error.strerror or error) from error
    written = sum(path.stat().st_size for path in target.iterdir())
    return ExportReport(target, written, dtype, proof)


def _check_target(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportError("export.target_exists", folder=target)


def _check_space(target: Path, base: Path, dtype: str) -> None:
    needed = int(read_model_files(base).parameters * torch.finfo(getattr(torch, dtype)).bits // 8 * HEADROOM)
    existing = next(parent for parent in target.parents if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise ExportError("export.no_space", folder=existing, needed=needed // 10**6, free=free // 10**6)


def _write(source: LoadedModel, base: Path, folder: Path, dtype: str, shard_gb: int) -> None:
    """Weights, config, tokenizer with chat template, generation config."""
    model: Any = source.model
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload(safe_merge=True)
    model = model.to(getattr(torch, dtype))
    own = generation_config(base)
    if own is not None:
        model.generation_config = own
    model.save_pretrained(folder, max_shard_size=f"{shard_gb}GB")
    source.tokenizer.save_pretrained(folder)


def _read_back(folder: Path, config: ExportConfig, device: Device) -> LoadedModel:
    """The export as a user would load it, computed in fp32."""
    exported = ModelConfig(model_name_or_path=str(folder), trust_remote_code=config.trust_remote_code)
    return load(exported, dtype="float32", device=device, template=config.template)
