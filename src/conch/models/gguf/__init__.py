"""Model folders → GGUF files, as llama.cpp and what is built on it read them. No torch at import."""

from conch.models.gguf.adapter import PLAIN, write_adapter
from conch.models.gguf.formats import FORMATS, available, coarseness
from conch.models.gguf.model import Written, write, write_model

__all__ = ["FORMATS", "PLAIN", "Written", "available", "coarseness", "write", "write_adapter", "write_model"]
