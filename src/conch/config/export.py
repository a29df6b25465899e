"""One export."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from conch.config.types import Count, Dtype, Names, Node, Str

GgufType = Annotated[
    Literal["f32", "f16", "bf16", "q8_0", "q6_k", "q5_k_m", "q5_1", "q5_0", "q4_k_m", "q4_1", "q4_0"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]


class ExportConfig(Node):
    model_name_or_path: Str = Field(min_length=1)
    adapter_name_or_path: Names = ()
    export_dir: Str = Field(min_length=1)
    export_hub_model_id: Str | None = None
    """The repository of a hub that the export is sent to, once it is proved."""
    export_size: Count = 5
    """Largest shard in GB."""
    export_device: Literal["cpu", "auto"] = "cpu"
    infer_dtype: Dtype = "auto"
    export_format: Literal["safetensors", "gguf", "ollama"] = "safetensors"
    gguf_type: GgufType = "f16"
    """Number format of a GGUF file."""
    export_adapter: bool = False
    """Write the adapter alone, as GGUF, instead of merging it."""
    template: Str | None = None
    trust_remote_code: bool = False
    model_revision: Str = "main"
    model_source: Str | None = None
    cache_dir: Str | None = None
    hf_hub_token: Str | None = Field(default=None, repr=False)
    ms_hub_token: Str | None = Field(default=None, repr=False)
    allow_difference: bool = False
    """Report success although the export does not answer as its source does."""
