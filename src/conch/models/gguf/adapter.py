"""A LoRA adapter alone → a GGUF file that llama.cpp puts on its base."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conch.core.errors import ExportError, ModelError
from conch.models.gguf.families import Family, family_of, interleaved, read_config
from conch.models.gguf.formats import encode, format_named
from conch.models.gguf.model import Written, check_room, new_file, tensor_name
from conch.models.gguf.weights import Stored, folder_tensors, read, stored_tensors

PLAIN = {"f32", "f16", "bf16"}
_PART = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<part>[AB])\.weight$")
PARTIAL_BASES = {True, "gaussian", "eva", "orthogonal"}
"""Starts of training that leave the base as it was."""


@dataclass(frozen=True)
class Lora:
    """The two matrices of one module. The module's output gains `scaling * B @ A @ input`."""

    module: str
    a: Stored
    b: Stored
    scaling: float

    @property
    def rank(self) -> int:
        return self.a.shape[0]


def write_adapter(adapter: Path, base: Path, target: Path, kind: str = "f16") -> Written:
    """Write the LoRA adapter in the folder `adapter`, made for the model in `base`, to the file `target`.

    Raises ExportError for adapters that change more than low-rank matrices can say.
    """
    if kind.lower() not in PLAIN:
        raise ExportError("gguf.adapter_format", name=kind, known=", ".join(sorted(PLAIN)))
    form = format_named(kind)
    settings = _settings(adapter)
    config = read_config(base)
    family = family_of(config)
    parts = _parts(adapter, base, settings)
    alpha = _common_alpha(parts)
    with new_file(target, family.arch) as writer:
        _add_about(writer, adapter.name, alpha)
        check_room(target, sum(4 * math.prod(part.a.shape) + 4 * math.prod(part.b.shape) for part in parts))
        for part in parts:
            name = tensor_name(f"{part.module}.weight", config, family)
            a, b = _matrices(part, alpha, config, family)
            for ending, values in (("lora_a", a), ("lora_b", b)):
                _add(writer, f"{name}.{ending}", values, form.main)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    return Written(target, target.stat().st_size, kind.lower())


def _settings(adapter: Path) -> dict[str, Any]:
    try:
        settings = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        kind = settings["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError("models.bad_adapter", folder=adapter, reason=error) from error
    start = settings.get("init_lora_weights", True)
    wrong = {
        f"peft_type {kind}": kind != "LORA",
        "use_dora": settings.get("use_dora"),
        "modules_to_save": settings.get("modules_to_save"),
        "lora_bias": settings.get("lora_bias"),
        "trainable_token_indices": settings.get("trainable_token_indices"),
        f"init_lora_weights {start}": start not in PARTIAL_BASES,
    }
    found = [name for name, is_wrong in wrong.items() if is_wrong]
    if found:
        raise ExportError("gguf.adapter_kind", folder=adapter, kinds=", ".join(found))
    return dict(settings)


def _parts(adapter: Path, base: Path, settings: dict[str, Any]) -> list[Lora]:
    halves: dict[str, dict[str, Stored]] = {}
    for name, stored in stored_tensors(adapter / "adapter_model.safetensors").items():
        found = _PART.match(name)
        if found is not None:
            halves.setdefault(found["module"], {})[found["part"]] = stored
        elif not _is_of_base(stored, base):
            raise ExportError("gguf.adapter_kind", folder=adapter, kinds=name)
    return [
        Lora(module, half["A"], half["B"], _scaling(module, half["A"].shape[0], settings))
        for module, half in sorted(halves.items())
    ]


def _is_of_base(stored: Stored, base: Path) -> bool:
    """Whether it is a weight of the base that peft keeps beside an adapter on it, unchanged."""
    if not stored.name.endswith(".base_layer.weight"):
        return False
    name = stored.name.removeprefix("base_model.model.").replace(".base_layer", "")
    own = folder_tensors(base).get(name)
    return own is not None and own.shape == stored.shape and bool((read(own) == read(stored)).all())


def _scaling(module: str, rank: int, settings: dict[str, Any]) -> float:
    """alpha / rank; alpha / sqrt(rank) for rsLoRA (Kalajdzievski 2023, arXiv:2312.03732)."""
    alpha = settings["lora_alpha"]
    for pattern, own in (settings.get("alpha_pattern") or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            alpha = own
    return float(alpha) / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def _common_alpha(parts: list[Lora]) -> float:
    """The file has one alpha, which is divided by each matrix' own rank: that of the first matrix."""
    return parts[0].scaling * parts[0].rank


def _matrices(part: Lora, alpha: float, config: Any, family: Family) -> tuple[Any, Any]:
    a, b = read(part.a), read(part.b)
    said = alpha / part.rank
    if not math.isclose(said, part.scaling, rel_tol=1e-6):
        b = b * (part.scaling / said)
    name = part.module.rpartition(".")[2]
    if family.interleaved and name in {"q_proj", "k_proj"}:
        heads = config.num_attention_heads if name == "q_proj" else config.num_key_value_heads
        b = interleaved(b, int(heads))
    return a, b


def _add_about(writer: Any, name: str, alpha: float) -> None:
    from gguf import GGUFType, Keys

    writer.add_type(GGUFType.ADAPTER)
    writer.add_name(name)
    writer.add_string(Keys.Adapter.TYPE, "lora")
    writer.add_float32(Keys.Adapter.LORA_ALPHA, alpha)


def _add(writer: Any, name: str, values: Any, kind: str) -> None:
    from gguf import GGMLQuantizationType

    writer.add_tensor(name, encode(values, kind, name), raw_dtype=GGMLQuantizationType[kind])
