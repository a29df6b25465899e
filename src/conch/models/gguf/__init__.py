"""Model folders → GGUF files, as llama.cpp and what is built on it read them. No torch at import."""

from conch.models.gguf.adapter import write_adapter
from conch.models.gguf.formats import FORMATS, available
from conch.models.gguf.model import Written, write_model

__all__ = ["FORMATS", "Written", "available", "write_adapter", "write_model"]
