"""One export."""

from __future__ import annotations

from typing import Literal

from conch.config.types import Count, Names, Node, Str


class ExportConfig(Node):
    model_name_or_path: Str
    adapter_name_or_path: Names = ()
    export_dir: Str
    export_size: Count = 5
    """Largest shard in GB."""
    export_device: Literal["cpu", "auto"] = "cpu"
    infer_dtype: Literal["auto", "float16", "bfloat16", "float32"] = "auto"
    template: Str | None = None
    trust_remote_code: bool = False
    model_revision: Str = "main"
    cache_dir: Str | None = None
    hf_hub_token: Str | None = None
    allow_difference: bool = False
    """Report success although the export does not answer as its source does."""
