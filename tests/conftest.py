"""What all tests share: a home of their own, English, and a tiny model folder made once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from conch.core import text
from tests.proofs import Proofs
from tests.tiny import save_tiny, write_rows

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty CONCH_HOME for each test, an empty current folder, and English.

    The checkout may hold what a user left there, such as the `out` of a quickstart.
    """
    folder = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONCH_HOME", str(folder))
    monkeypatch.setenv("CONCH_LANG", "en")
    text.set_language(None)
    yield folder
    text.set_language(None)


@pytest.fixture(autouse=True, scope="session")
def interrupts() -> Iterator[None]:
    """Processes that tests start hear Ctrl-C, also where the tests themselves are deaf to it.

    A shell without job control starts what is to run in the background that way, and children inherit it.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Llama in a folder. Don't write there."""
    return save_tiny(tmp_path_factory.mktemp("tiny") / "tiny-llama")


@pytest.fixture(scope="session")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter that changes what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model

    from tests.tiny import tiny_model

    torch.manual_seed(1)
    model = get_peft_model(
        tiny_model(), LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    )
    folder = tmp_path_factory.mktemp("adapter") / "shop"
    model.peft_config["default"].base_model_name_or_path = str(tiny_folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def proofs(request: pytest.FixtureRequest) -> Iterator[Proofs]:
    """Takes the figures of long proofs; with --prove they are kept in docs/proofs.md."""
    told = Proofs()
    yield told
    if request.config.getoption("--prove"):
        told.keep()


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A small alpaca file of 12 rows."""
    return write_rows(tmp_path / "rows.json")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--prove", action="store_true", help="run the long proofs at full length")
