"""A LoRA adapter alone → a GGUF file that llama.cpp puts on its base."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from conch.core.errors import ExportError
from conch.models.gguf.families import Family, family_of, interleaved, read_config
from conch.models.gguf.formats import encode, format_named
from conch.models.gguf.model import Written, check_room, new_file, tensor_name
from conch.models.merging import AdapterFiles
from conch.models.weights import Stored, folder_tensors

PLAIN = {"f32", "f16", "bf16"}
PAIR = {"lora_A.weight", "lora_B.weight"}


def write_adapter(adapter: Path, base: Path, target: Path, kind: str = "f16") -> Written:
    """Write the LoRA adapter in the folder `adapter`, made for the model in `base`, to the file `target`.

    Raises ExportError for adapters that change more than low-rank matrices can say.
    """
    if kind.lower() not in PLAIN:
        raise ExportError("gguf.adapter_format", name=kind, known=", ".join(sorted(PLAIN)))
    form = format_named(kind)
    files = AdapterFiles.read(adapter)
    _check_kind(files, base)
    config = read_config(base)
    family = family_of(config)
    alpha = _common_alpha(files)
    with new_file(target, family.arch) as writer:
        _add_about(writer, adapter.name, alpha)
        sizes = [math.prod(part.shape) for parts in files.modules.values() for part in parts.values()]
        check_room(target, 4 * sum(sizes))
        for module in sorted(files.modules):
            name = tensor_name(f"{module}.weight", config, family)
            a, b = _matrices(files, module, alpha, config, family)
            for ending, values in (("lora_a", a), ("lora_b", b)):
                _add(writer, f"{name}.{ending}", values, form.main)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    return Written(target, target.stat().st_size, kind.lower())


def _check_kind(files: AdapterFiles, base: Path) -> None:
    found = files.strange()
    found += [name for name in ("use_dora", "modules_to_save", "lora_bias") if files.settings.get(name)]
    found += [module for module, parts in files.modules.items() if set(parts) != PAIR]
    found += [name for name, stored in files.whole.items() if not _is_of_base(stored, base)]
    if found:
        raise ExportError("gguf.adapter_kind", folder=files.folder, kinds=", ".join(found[:3]))


def _is_of_base(stored: Stored, base: Path) -> bool:
    """Whether it is a weight of the base, which peft keeps beside an adapter on it, unchanged."""
    own = folder_tensors(base).get(stored.name)
    return own is not None and own.shape == stored.shape and bool((own.values() == stored.values()).all())


def _common_alpha(files: AdapterFiles) -> float:
    """The file has one alpha, which is divided by each matrix' own rank: that of the first matrix."""
    first = min(files.modules)
    return files.scaling(first) * files.rank(first)


def _matrices(files: AdapterFiles, module: str, alpha: float, config: Any, family: Family) -> tuple[Any, Any]:
    parts = files.modules[module]
    a, b = parts["lora_A.weight"].values(), parts["lora_B.weight"].values()
    said = alpha / files.rank(module)
    if not math.isclose(said, files.scaling(module), rel_tol=1e-6):
        b = b * (files.scaling(module) / said)
    name = module.rpartition(".")[2]
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
