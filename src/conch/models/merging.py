"""LoRA adapters merged into their base, one tensor at a time, without loading a model.

The same numbers as peft's own merge in fp32. Adapters that this module does not know how to merge
raise NotMergeableError: they are left to peft, which needs the whole model in memory.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conch.core.errors import ModelError, first_line
from conch.models.headers import read_model_files
from conch.models.weights import Stored, Tensor, folder_tensors, stored_tensors

EMBEDDINGS, HEAD = "model.embed_tokens.weight", "lm_head.weight"
STARTS = {True, False, "gaussian", "eva", "orthogonal"}
"""Starts of training that leave the base as it was."""
KNOWN = {"use_rslora", "use_dora"}
STRANGE = ("layer_replication", "trainable_token_indices", "target_parameters", "alora_invocation_tokens")
_PART = re.compile(
    r"^base_model\.model\.(?P<module>.+)\."
    r"(?P<part>lora_A\.weight|lora_B\.weight|lora_B\.bias|lora_magnitude_vector|lora_embedding_[AB])"
    r"(?:\.weight)?$"
)


class NotMergeableError(Exception):
    """Our own signal: `reason` names what in the adapter is left to peft."""


@dataclass(frozen=True)
class Model:
    """All tensors of a model by their names in transformers, and the folders that say the rest.

    `config` is the folder with config.json, `tokenizer` the one with the tokenizer. `untied` says that
    embeddings and head are no longer one, whatever the config says.
    """

    config: Path
    tokenizer: Path
    tensors: dict[str, Tensor]
    untied: bool = False

    @staticmethod
    def of(folder: Path) -> Model:
        """What is in a model folder. Raises ModelError where that is no whole model."""
        read_model_files(folder)
        return Model(folder, folder, dict(folder_tensors(folder)))

    def rows(self) -> int | None:
        """The size of the vocabulary, where embeddings are called as usual."""
        return self.tensors[EMBEDDINGS].shape[0] if EMBEDDINGS in self.tensors else None


@dataclass(frozen=True)
class Change:
    """What an adapter does to one weight: plus scaling * B @ A, then (DoRA) each row to its own length."""

    scaling: float
    parts: dict[str, Stored]
    transposed: bool = False

    def on(self, weight: Any) -> Any:
        """The changed weight. Both are torch tensors in fp32."""
        import torch

        parts = {name: torch.from_numpy(stored.values()) for name, stored in self.parts.items()}
        if "lora_embedding_A" in parts:
            return weight + (parts["lora_embedding_B"] @ parts["lora_embedding_A"]).T * self.scaling
        delta = parts["lora_B.weight"] @ parts["lora_A.weight"]
        changed = weight + (delta.T if self.transposed else delta) * self.scaling
        if "lora_magnitude_vector" in parts:
            # DoRA (Liu et al. 2024, arXiv:2402.09353)
            lengths = torch.linalg.norm(changed, dim=1)
            changed = (parts["lora_magnitude_vector"] / lengths).view(-1, 1) * changed
        return changed


@dataclass(frozen=True)
class Changed:
    """A weight of the base with what adapters do to it, in their order."""

    name: str
    base: Tensor
    changes: tuple[Change, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.base.shape

    def values(self) -> Any:
        import torch

        weight = torch.from_numpy(self.base.values())
        for change in self.changes:
            weight = change.on(weight)
        return weight.numpy()


@dataclass(frozen=True)
class AdapterFiles:
    """An adapter folder, read by its headers."""

    folder: Path
    settings: dict[str, Any]
    modules: dict[str, dict[str, Stored]] = field(repr=False)
    """The parts of LoRA by module."""
    whole: dict[str, Stored] = field(repr=False)
    """Weights that replace those of the base, by their names there."""

    @staticmethod
    def read(folder: Path) -> AdapterFiles:
        """Raises ModelError where it is damaged."""
        try:
            settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
            settings["peft_type"], settings["lora_alpha"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError("models.bad_adapter", folder=folder, reason=error) from error
        weights = folder / "adapter_model.safetensors"
        if not weights.is_file():
            raise ModelError("models.bad_adapter", folder=folder, reason=weights.name)
        modules: dict[str, dict[str, Stored]] = {}
        whole: dict[str, Stored] = {}
        for name, stored in stored_tensors(weights).items():
            found = _PART.match(name)
            if found:
                modules.setdefault(found["module"], {})[found["part"]] = stored
            else:
                plain = name.removeprefix("base_model.model.").replace(".base_layer.", ".")
                whole[plain] = replace(stored, name=plain)
        return AdapterFiles(folder, settings, modules, whole)

    def strange(self) -> list[str]:
        """What in its settings this module does not merge."""
        settings = self.settings
        start = settings.get("init_lora_weights", True)
        wrong = [] if settings["peft_type"] == "LORA" else [f"peft_type {settings['peft_type']}"]
        wrong += [] if start in STARTS else [f"init_lora_weights {start}"]
        wrong += [name for name in STRANGE if settings.get(name)]
        return wrong + [
            name
            for name, value in settings.items()
            if name.startswith("use_") and value and name not in KNOWN
        ]

    def scaling(self, module: str) -> float:
        """alpha / rank; alpha / sqrt(rank) for rsLoRA (Kalajdzievski 2023, arXiv:2312.03732)."""
        alpha, rank = self.settings["lora_alpha"], self.rank(module)
        for pattern, own in (self.settings.get("alpha_pattern") or {}).items():
            if re.match(rf"(.*\.)?({pattern})$", module):
                alpha = own
                break
        return float(alpha) / (math.sqrt(rank) if self.settings.get("use_rslora") else rank)

    def rank(self, module: str) -> int:
        parts = self.modules[module]
        return next(parts[name].shape[0] for name in ("lora_A.weight", "lora_embedding_A") if name in parts)

    def saves(self, name: str) -> bool:
        """Whether the weight `name` was trained whole, beside LoRA."""
        module = name.rpartition(".")[0]
        wanted = self.settings.get("modules_to_save") or ()
        return any(module == known or module.endswith(f".{known}") for known in wanted)


def merged(base: Path, adapters: Sequence[Path], tokenizer: Path) -> Model:
    """The model in `base` with `adapters` merged into it, in their order.

    Raises NotMergeableError for adapters of a kind that is left to peft, ModelError for damaged ones.
    """
    model = Model.of(base)
    tied = _is_tied(base) and EMBEDDINGS in model.tensors
    tensors: dict[str, Tensor] = dict(model.tensors)
    if tied:
        tensors[HEAD] = tensors[EMBEDDINGS]  # two names of one weight, until an adapter changes one of them
    for folder in adapters:
        _apply(tensors, AdapterFiles.read(folder), tied=tied)
    untied = tied and tensors[HEAD] is not tensors[EMBEDDINGS]
    if tied and not untied:
        del tensors[HEAD]
    return Model(base, tokenizer, tensors, untied)


def _is_tied(base: Path) -> bool:
    """What the config says; families differ in what it means where it says nothing."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(base).get_text_config()
    except Exception as error:  # code of its own, which only a loaded model may run
        raise NotMergeableError(first_line(error)) from error
    return bool(config.tie_word_embeddings)


def _apply(tensors: dict[str, Tensor], adapter: AdapterFiles, *, tied: bool) -> None:
    if adapter.strange():
        raise NotMergeableError(", ".join(adapter.strange()))
    for name, stored in adapter.whole.items():
        if name not in tensors:
            raise NotMergeableError(name)
        shared = tied and name in {EMBEDDINGS, HEAD} and tensors[HEAD] is tensors[EMBEDDINGS]
        if shared and not adapter.saves(name):
            # embeddings of a grown vocabulary, which peft keeps beside LoRA: still one weight
            tensors[EMBEDDINGS] = tensors[HEAD] = stored
        else:
            tensors[name] = stored
    for module, parts in adapter.modules.items():
        name = f"{module}.weight"
        if name not in tensors:
            raise NotMergeableError(module)
        _change(tensors, name, adapter, module, parts)


def _change(
    tensors: dict[str, Tensor], name: str, adapter: AdapterFiles, module: str, parts: dict[str, Stored]
) -> None:
    scaling = adapter.scaling(module)
    if "lora_B.bias" in parts:
        raise NotMergeableError("lora_bias")
    change = Change(scaling, parts, bool(adapter.settings.get("fan_in_fan_out")))
    below = tensors[name]
    if isinstance(below, Changed):
        if "lora_magnitude_vector" in parts:
            raise NotMergeableError("use_dora")  # its lengths are those of the base as it was
        tensors[name] = Changed(name, below.base, (*below.changes, change))
    else:
        tensors[name] = Changed(name, below, (change,))
