"""Number formats of GGUF files, and which tensor gets which.

The plain formats are encoded by the `gguf` package. The k-quants are encoded by ggml's own code,
which xllamacpp carries; without that package they can't be written.
"""

from __future__ import annotations

import ctypes
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conch.core.errors import ExportError

BLOCK = 32
K_BLOCK = 256


@dataclass(frozen=True)
class Format:
    """`file_type` and the tensor types are named as in the `gguf` package's enumerations."""

    file_type: str
    main: str
    """Type of matrices."""
    head: str
    """Type of the output head, and of embeddings that serve as one."""
    better: str | None = None
    """Type of the matrices that suffer most: values and the way down, in some layers."""
    spared: str | None = None
    """Type of attention and head in small models, which have fewer numbers to even errors out over."""

    @property
    def types(self) -> set[str]:
        return {self.main, self.head, *(kind for kind in (self.better, self.spared) if kind)}


FORMATS = {
    "f32": Format("ALL_F32", "F32", "F32"),
    "f16": Format("MOSTLY_F16", "F16", "F16"),
    "bf16": Format("MOSTLY_BF16", "BF16", "BF16"),
    "q8_0": Format("MOSTLY_Q8_0", "Q8_0", "Q8_0", spared="F16"),
    "q5_1": Format("MOSTLY_Q5_1", "Q5_1", "Q8_0"),
    "q5_0": Format("MOSTLY_Q5_0", "Q5_0", "Q8_0"),
    "q4_1": Format("MOSTLY_Q4_1", "Q4_1", "Q8_0"),
    "q4_0": Format("MOSTLY_Q4_0", "Q4_0", "Q8_0"),
    "q6_k": Format("MOSTLY_Q6_K", "Q6_K", "Q6_K"),
    "q5_k_m": Format("MOSTLY_Q5_K_M", "Q5_K", "Q6_K", "Q6_K"),
    "q4_k_m": Format("MOSTLY_Q4_K_M", "Q4_K", "Q6_K", "Q6_K"),
}
SMALL = 3 * 10**8
"""Parameters of a small model. SmolLM2-135M agrees with its q8_0 file on 96.2 % of 500 next tokens, and on
97.4 % with attention and head in f16; rounding the weights alone, not the activations, costs 2.2 %."""
SHORTER = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
"""What stands in for a k-quant where a row is no multiple of 256 numbers."""


def format_named(name: str) -> Format:
    """The format called `name`. Raises ExportError where there is none, or what writes it is missing."""
    key = name.lower()
    if key not in FORMATS:
        raise ExportError("gguf.no_format", name=name, known=", ".join(FORMATS))
    if key not in available():
        raise ExportError("gguf.no_encoder", name=name)
    return FORMATS[key]


def available() -> tuple[str, ...]:
    """The names of the formats that can be written here."""
    return tuple(name for name, form in FORMATS.items() if _ggml_file() or not form.types & set(SHORTER))


def coarseness(name: str) -> int:
    """The larger, the more the format called `name` rounds."""
    return ["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_1", "q5_0", "q4_k_m", "q4_1", "q4_0"].index(
        name
    )


def tensor_type(
    form: Format, name: str, shape: tuple[int, ...], blocks: int, *, tied: bool, spare: bool = False
) -> str:
    """The type of one tensor, by its name in GGUF. Vectors, norms among them, stay fp32.

    `spare` is whether what suffers most of a small model is rounded less.
    """
    if len(shape) < 2 or not name.endswith((".weight", ".lora_a", ".lora_b")):
        return "F32"
    if spare and form.spared and (".attn_" in name or _is_head(name, tied)):
        return form.spared
    return _fitting(_wanted(form, name, blocks, tied=tied), shape[-1])


def _wanted(form: Format, name: str, blocks: int, *, tied: bool) -> str:
    if _is_head(name, tied):
        return form.head
    if form.better and ("attn_v." in name or "attn_qkv." in name or "ffn_down." in name):
        layer = int(name.split(".")[1])
        eighth = max(blocks // 8, 1)
        # the first and last eighth of the layers, and every third between: llama.cpp's rule for "_M"
        if layer < eighth or layer >= 7 * blocks // 8 or (layer - eighth) % 3 == 2:
            return form.better
    return form.main


def _is_head(name: str, tied: bool) -> bool:
    return name == "output.weight" or (tied and name == "token_embd.weight")


def _fitting(wanted: str, row: int) -> str:
    if wanted in SHORTER and row % K_BLOCK:
        wanted = SHORTER[wanted]
    return "F16" if wanted.startswith("Q") and row % BLOCK else wanted


def encode(values: Any, kind: str, name: str) -> Any:
    """fp32 `values` in the GGUF type `kind`, as an array whose bytes are written as they are.

    Raises ExportError where a number is too large for fp16, or is none.
    """
    import numpy as np
    from gguf import GGMLQuantizationType, quants

    if not np.isfinite(values).all():
        raise ExportError("gguf.not_finite", tensor=name)
    values = np.ascontiguousarray(values, dtype=np.float32)
    if kind in SHORTER:
        return _encode_k(values, int(GGMLQuantizationType[kind]))
    with np.errstate(over="ignore"):
        coded = quants.quantize(values, GGMLQuantizationType[kind])
    if kind == "F16" and not np.isfinite(coded).all():
        raise ExportError("gguf.too_large", tensor=name)
    return coded


def size_of(kind: str, shape: tuple[int, ...]) -> int:
    """Bytes that a tensor takes in the file."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    block, width = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    count = 1
    for size in shape:
        count *= size
    return int(count // block * width)


@lru_cache(maxsize=1)
def _ggml_file() -> Path | None:
    """The library that has ggml's encoders."""
    spec = importlib.util.find_spec("xllamacpp")
    folders = spec.submodule_search_locations if spec else None
    return next((file for folder in folders or () for file in Path(folder).glob("xllamacpp*.so")), None)


@lru_cache(maxsize=1)
def _ggml() -> Any:
    library = ctypes.CDLL(str(_ggml_file()))
    floats, nothing = ctypes.POINTER(ctypes.c_float), ctypes.c_void_p
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        *(ctypes.c_int, floats, nothing),
        *(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, floats),
    ]
    return library


def _encode_k(values: Any, kind: int) -> Any:
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    block, width = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
    rows, row = values.reshape(-1, values.shape[-1]).shape
    coded = np.empty((*values.shape[:-1], row // block * width), dtype=np.uint8)
    source = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    written = _ggml().ggml_quantize_chunk(kind, source, coded.ctypes.data, 0, rows, row, None)
    assert written == coded.nbytes
    return coded
