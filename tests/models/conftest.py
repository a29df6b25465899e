"""What the tests of models share: a GGUF file and an adapter, each made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.folders import add_adapter
from tests.models.gguf_file import write_gguf


@pytest.fixture(scope="session")
def tiny_gguf(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a GGUF file in Q8_0."""
    return write_gguf(tiny_folder, tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny_adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the tiny model that changes its answers."""
    return add_adapter(tiny_folder, tmp_path_factory.mktemp("adapters") / "shop")
