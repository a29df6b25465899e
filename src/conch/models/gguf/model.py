"""A model folder → one GGUF file with weights, tokenizer, chat template and stop tokens.

Tensors pass through memory one at a time. The file has its name only when it is whole.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conch.core import disk
from conch.core.errors import ExportError
from conch.core.files import publish, temporary_folder
from conch.core.notice import Notice
from conch.models.gguf.bare import Bare
from conch.models.gguf.families import (
    Family,
    add_shape,
    as_stored,
    family_of,
    read_config,
    size_label,
    window_notices,
)
from conch.models.gguf.formats import SMALL, Format, encode, format_named, size_of, tensor_type
from conch.models.gguf.vocabulary import Vocabulary
from conch.models.merging import Model
from conch.models.weights import Tensor

EMBEDDINGS = "token_embd.weight"
HEAD = "output.weight"
SUFFIXES = (".weight", ".bias")
UNREAD = ("rotary_emb.inv_freq", "vision_tower.", "multi_modal_projector.", "vision_model.")
"""Parts of names of tensors that a text model does without."""


@dataclass(frozen=True)
class Written:
    """A GGUF file that was written."""

    file: Path
    bytes: int
    format: str
    notices: tuple[Notice, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Plan:
    """Which tensors go into the file, by their names there, and in which types."""

    config: Any
    family: Family
    sources: dict[str, Tensor]
    extra: dict[str, Any]
    types: dict[str, str]

    def size(self) -> int:
        shapes = {name: stored.shape for name, stored in self.sources.items()}
        shapes |= {name: values.shape for name, values in self.extra.items()}
        return sum(size_of(self.types[name], shape) for name, shape in shapes.items())

    def encoded(self) -> Iterator[tuple[str, Any]]:
        for name, values in self.extra.items():
            yield name, encode(values, self.types[name], name)
        for name, stored in self.sources.items():
            values = as_stored(stored.name, stored.values(), self.config, self.family)
            yield name, encode(values, self.types[name], name)


def write_model(
    folder: Path, target: Path, kind: str = "f16", *, template: str | None = None, name: str | None = None
) -> Written:
    """Write the model in `folder` (weights, config, tokenizer) to the GGUF file `target`.

    `kind` is one of FORMATS; `template` a chat template's name or file, the model's own unless given;
    `name` is what the file says that the model is called. Raises ExportError or ModelError.
    """
    return write(Model.of(folder), target, kind, template, name or folder.name)


def write(
    model: Model,
    target: Path,
    kind: str,
    template: str | None,
    name: str,
    vocabulary: Vocabulary | Bare | None = None,
) -> Written:
    """As `write_model`, for a model whose tensors are made on the way, or with another vocabulary."""
    form = format_named(kind)
    config = read_config(model.config)
    if model.untied:
        config.tie_word_embeddings = False
    family = family_of(config)
    vocabulary = vocabulary or Vocabulary.of(model.tokenizer, template, model.config)
    sources = _sources(model, config, family)
    with new_file(target, family.arch) as writer:
        parameters = sum(math.prod(tensor.shape) for tensor in sources.values())
        _add_about(writer, _called(name, vocabulary), parameters, form)
        rows = sources[EMBEDDINGS].shape[0]
        extra = add_shape(writer, config, family, rows)
        vocabulary.write(writer, rows)
        # what a server holds for itself is for speed, and is not handed on
        spare = parameters < SMALL and not isinstance(vocabulary, Bare)
        write_tensors(writer, _plan(config, family, sources, extra, form, spare=spare), target)
    notices = (*vocabulary.notices(), *window_notices(config, family))
    return Written(target, target.stat().st_size, kind.lower(), notices)


@contextmanager
def new_file(target: Path, arch: str) -> Iterator[Any]:
    """A writer for a file that becomes `target` if the block ends well. `target` must not exist."""
    from gguf import GGUFWriter

    if target.exists():
        raise ExportError("gguf.target_exists", file=target)
    try:
        with temporary_folder(target.absolute().parent) as place:
            file = place / target.name
            writer = GGUFWriter(file, arch)
            try:
                yield writer
            finally:
                writer.close()
            publish(file, target.absolute())
    except OSError as error:
        raise ExportError("export.unwritable", folder=target, reason=error.strerror or error) from error


def write_tensors(writer: Any, plan: Plan, target: Path) -> None:
    """Write header and tensors. Raises ExportError where the disk is too small, before it begins."""
    check_room(target, plan.size())
    for name, kind in plan.types.items():
        shape = plan.sources[name].shape if name in plan.sources else plan.extra[name].shape
        _announce(writer, name, shape, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, coded in plan.encoded():
        writer.write_tensor_data(coded)


def check_room(target: Path, needed: int) -> None:
    """Raises ExportError where the disk of `target` takes less than `needed` bytes."""
    parent = target.absolute().parent
    if disk.lack_of_room(parent, needed):
        free = disk.free_bytes(parent) or 0
        raise ExportError("export.no_space", folder=parent, needed=needed // 10**6, free=free // 10**6)


def _announce(writer: Any, name: str, shape: tuple[int, ...], kind: str) -> None:
    import numpy as np
    from gguf import GGMLQuantizationType

    size = size_of(kind, shape)
    writer.add_tensor_info(name, shape, np.dtype(np.float32), size, GGMLQuantizationType[kind])


def _plan(
    config: Any,
    family: Family,
    sources: dict[str, Tensor],
    extra: dict[str, Any],
    form: Format,
    *,
    spare: bool,
) -> Plan:
    tied, blocks = HEAD not in sources, int(config.num_hidden_layers)
    types = dict.fromkeys(extra, "F32")
    for name, stored in sources.items():
        types[name] = tensor_type(form, name, stored.shape, blocks, tied=tied, spare=spare)
    return Plan(config, family, sources, extra, types)


def _sources(model: Model, config: Any, family: Family) -> dict[str, Tensor]:
    """The tensors of the file by their names there. Raises ExportError for one that has none."""
    found: dict[str, Tensor] = {}
    for name, stored in model.tensors.items():
        if any(part in name for part in UNREAD) or (name == "lm_head.weight" and config.tie_word_embeddings):
            continue
        found[tensor_name(name, config, family)] = stored
    if EMBEDDINGS not in found or not (HEAD in found or config.tie_word_embeddings):
        missing = "lm_head.weight" if EMBEDDINGS in found else "model.embed_tokens.weight"
        raise ExportError("gguf.missing", folder=model.config, tensor=missing)
    return found


def tensor_name(name: str, config: Any, family: Family) -> str:
    """What llama.cpp calls a tensor of transformers. Raises ExportError where it knows none such."""
    from gguf import MODEL_ARCH, get_tensor_name_map

    known = get_tensor_name_map(MODEL_ARCH[family.arch.upper()], int(config.num_hidden_layers))
    plain = name.replace("model.language_model.", "model.").removeprefix("language_model.")
    mapped = known.get_name(plain, try_suffixes=SUFFIXES)
    if mapped is None:
        raise ExportError("gguf.no_tensor", tensor=name, arch=family.arch)
    return str(mapped)


def _add_about(writer: Any, name: str, parameters: int, form: Format) -> None:
    from gguf import GGML_QUANT_VERSION, GGUFType, LlamaFileType

    writer.add_type(GGUFType.MODEL)
    writer.add_name(name)
    writer.add_size_label(size_label(parameters))
    writer.add_file_type(LlamaFileType[form.file_type])
    if form.main.startswith("Q"):
        writer.add_quantization_version(GGML_QUANT_VERSION)


def _called(name: str, vocabulary: Vocabulary | Bare) -> str:
    """llama.cpp takes from the name "phi-3" that special tokens swallow the white space behind them.

    It fails on a file so called whose tokenizer is not that of Phi-3.
    """
    called = re.search("phi-?3", name, re.IGNORECASE)
    if vocabulary.strips_like_phi3():
        return name if called else f"Phi-3 {name}"
    return re.sub("(?i)phi-?3", "Phi 3", name)
