"""A tuned model → files that need nothing else: a folder of safetensors, a GGUF file, a folder for Ollama.

Adapters are merged in fp32, tensor by tensor, and rounded once to the export's format. The folder
takes its name only after its answers were held against the source's.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from conch.config.export import ExportConfig
from conch.config.model import ModelConfig
from conch.core import disk
from conch.core.errors import ExportError
from conch.core.files import expanded, temporary_folder, whole_folder, write_whole
from conch.core.notice import Notice
from conch.core.text import tr
from conch.data.template import ChatTemplate
from conch.exporting import card, gguf_proof, llamacpp, ollama
from conch.exporting.folder import write_folder
from conch.exporting.gguf_proof import GgufProof
from conch.exporting.proof import Proof, Source, Witnesses, ask, ask_base, follow, hear, prove, stops_of
from conch.exporting.push import push
from conch.exporting.served import ServedProof, Server, prove_served
from conch.exporting.whole import Whole, fits_whole
from conch.models import gguf, merging
from conch.models.hardware import Device, cpu_device, find_device
from conch.models.headers import read_model_files
from conch.models.load import (
    LoadedModel,
    adapter_folder,
    generation_config,
    load,
    load_tokenizer,
    stored_dtype,
    tokenizer_folder,
)
from conch.models.locate import Located, Request, locate
from conch.models.pairing import PROOF
from conch.models.streamed import NotStreamableError, load_streamed

Notify = Callable[[str], None]
HEADROOM = 1.1
"""Free disk asked for, as a multiple of the weights."""
SMALL = 50 * 10**6
"""Bytes of a model that is computed faster by one thread than by several that wait for one another."""
GGUF_OF = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}


@dataclass(frozen=True)
class ExportReport:
    """What was written, and how it was proved."""

    folder: Path
    bytes: int
    dtype: str
    proof: Proof | GgufProof
    format: str
    """`safetensors`, `gguf`, `ollama`, or `adapter` for one alone."""
    file: Path | None = None
    """The GGUF file, where there is one."""
    pushed: str | None = None
    """The address that it was sent to."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "format": self.format,
            "file": str(self.file) if self.file else None,
            "bytes": self.bytes,
            "dtype": self.dtype,
            "pushed": self.pushed,
            "proof": self.proof.to_dict(),
        }


@dataclass(frozen=True)
class Job:
    """One export: what is exported, how, and who is told."""

    config: ExportConfig
    located: Located
    """Base, and all adapters that belong on it."""
    target: Path
    dtype: str
    device: Device
    notify: Notify = field(repr=False)

    def tell(self, *notices: Notice) -> None:
        for notice in notices:
            self.notify(tr("cli.warning", message=notice.message))

    def load(self) -> LoadedModel:
        """The source, whole in fp32, its last adapter on top."""
        loaded = load(
            _model_config(self.config), dtype="float32", device=self.device, template=self.config.template
        )
        self.tell(*loaded.notices)
        return loaded

    def source(self) -> Source:
        """The source in fp32, its last adapter on top."""
        source = self.opened(_model_config(self.config), self.config.template)
        self.tell(*source.loaded.notices)
        return source

    def opened(self, config: ModelConfig, template: str | None) -> Source:
        """A model in fp32: whole where there is room for it, else read block by block as it is computed."""
        if self.device.kind == "cpu" and not fits_whole(
            read_model_files(self.located.folder), self.dtype, self.config.export_size
        ):
            with suppress(NotStreamableError):
                return load_streamed(config, template)
        return Whole(load(config, dtype="float32", device=self.device, template=template))

    def model(self) -> merging.Model:
        """Its tensors with all adapters merged. Raises NotMergeableError."""
        return merging.merged(self.located.folder, self.located.adapters, tokenizer_folder(self.located))


def export(config: ExportConfig, notify: Notify = lambda _: None) -> ExportReport:
    """Merge, write, prove, and only then give the folder its name.

    Raises ExportError where the target is in use, the disk too small, or the proof fails.
    """
    target = expanded(config.export_dir).absolute()
    _check_target(target)
    job = _job(config, target, notify)
    told = "export.merging" if job.located.adapters else "export.nothing_to_merge"
    notify(tr(told, name=job.located.name))
    form = "adapter" if config.export_adapter else config.export_format
    try:
        with whole_folder(target) as staging:
            proof, file = _WRITERS[form](job, staging)
            text = json.dumps(proof.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
            write_whole(staging / PROOF, text)
            write_whole(staging / card.NAME, card.text_of(config, job.located, proof, file))
            if not proof.holds and not config.allow_difference:
                raise _differs(proof)
    except OSError as error:
        raise ExportError("export.unwritable", folder=target, reason=error.strerror or error) from error
    written = sum(path.stat().st_size for path in target.iterdir())
    pushed = None
    if config.export_hub_model_id is not None:
        notify(tr("export.pushing", repository=config.export_hub_model_id))
        pushed = push(target, config.export_hub_model_id, config.hf_hub_token)
    return ExportReport(target, written, proof.dtype, proof, form, target / file if file else None, pushed)


def prove_server(config: ExportConfig, server: Server, notify: Notify = lambda _: None) -> ServedProof:
    """Hold what a running server says against the model of `config`, in the format `gguf_type`.

    Where `export_dir` holds an export, its proof tells of the server, too.
    """
    target = expanded(config.export_dir).absolute()
    job = _job(config, target, notify)
    notify(tr("export.proving_served", url=server.url, model=server.model))
    found = prove_served(job.source(), server, config.gguf_type)
    file = target / PROOF
    if file.is_file():
        told = json.loads(file.read_text(encoding="utf-8"))
        text = json.dumps({**told, "served": found.to_dict()}, ensure_ascii=False, indent=2, allow_nan=False)
        write_whole(file, text)
    return found


def _job(config: ExportConfig, target: Path, notify: Notify) -> Job:
    model_config = _model_config(config)
    located = locate(Request.of(model_config, notify))
    extra = tuple(adapter_folder(name, model_config) for name in config.adapter_name_or_path)
    located = replace(located, adapters=(*located.adapters, *extra))
    dtype = stored_dtype(located.folder) if config.infer_dtype == "auto" else config.infer_dtype
    device = cpu_device() if config.export_device == "cpu" else find_device()
    plain = config.export_format == "safetensors" and not config.export_adapter
    if not plain and not llamacpp.installed():
        raise ExportError("gguf.no_reader")
    return Job(config, located, target, dtype, device, notify)


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


def _differs(proof: Proof | GgufProof) -> ExportError:
    failed = "\n".join(f"- {check.sentence}" for check in proof.checks if not check.holds)
    return ExportError("export.differs", failed=failed)


def _check_target(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExportError("export.target_exists", folder=target)


def _check_space(job: Job, folder: Path) -> None:
    width = torch.finfo(getattr(torch, job.dtype)).bits // 8
    needed = int(read_model_files(job.located.folder).parameters * width * HEADROOM)
    if disk.lack_of_room(folder, needed):
        free = disk.free_bytes(folder) or 0
        raise ExportError("export.no_space", folder=folder, needed=needed // 10**6, free=free // 10**6)


def _write_safetensors(job: Job, staging: Path) -> tuple[Proof, None]:
    _check_space(job, staging)
    witnesses = _write(job, staging)
    gc.collect()  # the source's parts hold one another: else it would be in memory beside the export
    job.notify(tr("export.proving"))
    exported = _read_back(staging, job)
    return prove(witnesses, follow(exported, witnesses.source), stops_of(exported), job.dtype), None


def _write(job: Job, folder: Path) -> Witnesses:
    """Weights, config, tokenizer with chat template, generation config; what the source says."""
    try:
        write_folder(job.model(), folder, job.dtype, job.config)
        return hear(job.source(), job.dtype)
    except merging.NotMergeableError:  # peft knows more kinds of adapters, and needs the model in memory
        return hear(Whole(job.load(), lambda loaded: _save(loaded, job, folder)), job.dtype)


def _save(loaded: LoadedModel, job: Job, folder: Path) -> None:
    model: Any = loaded.model
    model.generation_config = generation_config(job.located.folder) or model.generation_config
    model.save_pretrained(folder, max_shard_size=f"{job.config.export_size}GB")
    loaded.tokenizer.save_pretrained(folder)


def _read_back(folder: Path, job: Job) -> LoadedModel:
    """The export as a user would load it, computed in fp32."""
    exported = ModelConfig(model_name_or_path=str(folder), trust_remote_code=job.config.trust_remote_code)
    return job.opened(exported, None).loaded


def _write_gguf(job: Job, staging: Path) -> tuple[GgufProof, str]:
    kind = job.config.gguf_type
    file = staging / f"{job.target.name}-{kind.upper()}.gguf"
    with temporary_folder(job.target.parent) as place:
        job.tell(
            *gguf.write(_gguf_source(job, place), file, kind, job.config.template, job.target.name).notices
        )
    return _prove_gguf(job, file, kind, None), file.name


def _gguf_source(job: Job, place: Path) -> merging.Model:
    """The merged tensors; by way of a folder in `place` where only peft can merge them."""
    try:
        return job.model()
    except merging.NotMergeableError:
        whole = replace(job, dtype="float32")
        _check_space(whole, place)
        source = Whole(job.load())
        source.merge()
        _save(source.loaded, whole, place)
        return merging.Model.of(place)


def _prove_gguf(job: Job, file: Path, kind: str, lora: Path | None) -> GgufProof:
    job.notify(tr("export.proving"))
    source = job.source().loaded
    witness = gguf_proof.Witness(ask(source), ask_base(source), stops_of(source))
    threads = 1 if file.stat().st_size < SMALL else None
    with llamacpp.LlamaCpp(file, lora, threads) as reader:
        return gguf_proof.prove_gguf(witness, source, reader, kind)


def _write_adapter(job: Job, staging: Path) -> tuple[GgufProof, str]:
    """The last adapter alone. It is tried on its base, written for the occasion as it is stored."""
    *below, adapter = job.located.adapters or (None,)
    if adapter is None or below:
        raise ExportError("export.one_adapter", count=len(job.located.adapters))
    kind = job.config.gguf_type
    file = staging / f"{job.target.name}-LoRA-{kind.upper()}.gguf"
    gguf.write_adapter(adapter, job.located.folder, file, kind)
    stored = GGUF_OF[stored_dtype(job.located.folder)]
    with temporary_folder(job.target.parent) as place:
        words = merging.Model(
            job.located.folder, tokenizer_folder(job.located), merging.Model.of(job.located.folder).tensors
        )
        base = gguf.write(words, place / "base.gguf", stored, job.config.template, job.target.name).file
        return _prove_gguf(job, base, max(stored, kind, key=gguf.coarseness), file), file.name


def _write_ollama(job: Job, staging: Path) -> tuple[GgufProof, str]:
    proof, name = _write_gguf(job, staging)
    words = ModelConfig(model_name_or_path=str(job.target), trust_remote_code=job.config.trust_remote_code)
    tokenizer = load_tokenizer(tokenizer_folder(job.located), words)
    template = ChatTemplate.of(tokenizer, job.config.template)
    job.tell(*ollama.write_modelfile(staging, name, tokenizer, template, job.located.folder))
    return proof, name


_WRITERS: dict[str, Callable[[Job, Path], tuple[Any, Any]]] = {
    "safetensors": _write_safetensors,
    "gguf": _write_gguf,
    "ollama": _write_ollama,
    "adapter": _write_adapter,
}
