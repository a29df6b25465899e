"""One export."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from conch.config.types import Count, Dtype, Names, Node, Str


class ExportConfig(Node):
    model_name_or_path: Str = Field(min_length=1)
    adapter_name_or_path: Names = ()
    export_dir: Str = Field(min_length=1)
    export_size: Count = 5
    """Largest shard in GB."""
    export_device: Literal["cpu", "auto"] = "cpu"
    infer_dtype: Dtype = "auto"
    template: Str | None = None
    trust_remote_code: bool = False
    model_revision: Str = "main"
    model_source: Str | None = None
    cache_dir: Str | None = None
    hf_hub_token: Str | None = Field(default=None, repr=False)
    ms_hub_token: Str | None = Field(default=None, repr=False)
    allow_difference: bool = False
    """Report success although the export does not answer as its source does."""
