"""LoRA merged into its base: one folder of safetensors that needs no adapter.

The merge itself is done in fp32, then rounded once to the export's format. The folder takes
its name only after its answers were held against the adapter's.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from conch.config.export import ExportConfig
from conch.config.model import ModelConfig
from conch.core import disk
from conch.core.errors import ExportError
from conch.core.files import expanded, whole_folder, write_whole
from conch.core.text import tr
from conch.exporting.proof import Proof, Witnesses, ask, prove
from conch.models.hardware import Device, cpu_device, find_device
from conch.models.headers import read_model_files
from conch.models.load import LoadedModel, generation_config, load, stored_dtype
from conch.models.locate import Request, locate
from conch.models.pairing import PROOF

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
    target = expanded(config.export_dir).absolute()
    _check_target(target)
    model_config = _model_config(config)
    located = locate(Request.of(model_config, notify))
    base = located.folder
    dtype = stored_dtype(base) if config.infer_dtype == "auto" else config.infer_dtype
    _check_space(target, base, dtype)
    device = cpu_device() if config.export_device == "cpu" else find_device()
    merges = located.adapters or config.adapter_name_or_path
    notify(tr("export.merging") if merges else tr("export.nothing_to_merge", name=located.name))
    source = load(model_config, dtype="float32", device=device, template=config.template)
    for notice in source.notices:
        notify(tr("cli.warning", message=notice.message))
    try:
        with whole_folder(target) as staging:
            witnesses = _write(source, base, staging, dtype, config.export_size)
            del source
            notify(tr("export.proving"))
            proof = prove(witnesses, ask(_read_back(staging, config, device)), dtype)
            text = json.dumps(proof.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
            write_whole(staging / PROOF, text)
            if not proof.holds and not config.allow_difference:
                raise _differs(proof)
    except OSError as error:
        raise ExportError("export.unwritable", folder=target, reason=error.strerror or error) from error
    written = sum(path.stat().st_size for path in target.iterdir())
    return ExportReport(target, written, dtype, proof)


def _model_config(config: ExportConfig) -> ModelConfig:
    return ModelConfig(
        model_name_or_path=config.model_name_or_path,
        adapter_name_or_path=config.adapter_name_or_path,
        trust_remote_code=config.trust_remote_code,
        model_revision=config.model_revision,
        model_source=config.model_source,
        cache_dir=config.cache_dir,
        hf_hub_token=config.hf_hub_token,
        ms_hub_token=config.ms_hub_token,
    )


def _differs(proof: Proof) -> ExportError:
    return ExportError(
        "export.differs",
        merging=f"{proof.merging:.2g}",
        writing=f"{proof.writing:.2g}",
        bound=f"{proof.bound:g}",
        same=proof.same_answers,
        prompts=proof.prompts,
    )


def _check_target(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportError("export.target_exists", folder=target)


def _check_space(target: Path, base: Path, dtype: str) -> None:
    needed = int(read_model_files(base).parameters * torch.finfo(getattr(torch, dtype)).bits // 8 * HEADROOM)
    free = disk.free_bytes(target.parent)
    if free is not None and free < needed:
        folder = disk.existing(target.parent)
        raise ExportError("export.no_space", folder=folder, needed=needed // 10**6, free=free // 10**6)


def _write(source: LoadedModel, base: Path, folder: Path, dtype: str, shard_gb: int) -> Witnesses:
    """Weights, config, tokenizer with chat template, generation config; what each step answered on the way.

    The source is used up: its adapter is merged into it.
    """
    wanted = ask(source)
    model: Any = source.model
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload(safe_merge=True)
    merged = replace(source, model=model)
    answers = ask(merged, greedy=False)
    _hold(model, getattr(torch, dtype))
    model.generation_config = generation_config(base) or model.generation_config
    model.save_pretrained(folder, max_shard_size=f"{shard_gb}GB")
    source.tokenizer.save_pretrained(folder)
    if dtype == "float32":
        return Witnesses(wanted, answers, answers)
    _hold(model, torch.float32)
    return Witnesses(wanted, answers, ask(merged, greedy=False))


def _hold(model: torch.nn.Module, dtype: torch.dtype) -> None:
    """Hold the weights in `dtype`. Buffers made anew on loading (rotary frequencies) stay exact."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype)
    model.config.dtype = dtype


def _read_back(folder: Path, config: ExportConfig, device: Device) -> LoadedModel:
    """The export as a user would load it, computed in fp32."""
    exported = ModelConfig(model_name_or_path=str(folder), trust_remote_code=config.trust_remote_code)
    return load(exported, dtype="float32", device=device, template=config.template)
