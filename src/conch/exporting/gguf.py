"""GGUF files of models: what `conch.models.gguf` writes, for those who export."""

from __future__ import annotations

from pathlib import Path

from conch.models.gguf import Written, write_adapter, write_model


def write_gguf(
    model_folder: Path, target: Path, kind: str = "f16", *, template: str | None = None
) -> Written:
    """Write a model folder (merged, full or base) to the file `target`, in the format `kind`."""
    return write_model(model_folder, target, kind, template=template)


__all__ = ["Written", "write_adapter", "write_gguf"]
