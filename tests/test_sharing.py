"""Several runs on a device, where they fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch import sharing
from conch.core.events import Metrics, Started
from conch.models import hardware
from conch.runs import Run, store
from conch.sharing import bytes_needed, fits_beside
from tests.runs.helpers import config

MEGA = 1_000_000


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes that are free, to be changed by a test."""
    bytes_ = [0]
    monkeypatch.setattr(sharing, "memory_available", lambda: bytes_[0])
    return bytes_


def new(model: str | Path, rows: Path) -> Run:
    return store.create(config(Path(model), rows))


def test_a_run_needs_room_for_itself(tiny_folder: Path, rows: Path, free: list[int]) -> None:
    run, other = new(tiny_folder, rows), new(tiny_folder, rows)
    need = bytes_needed(run, "cpu")
    assert need is not None
    assert 400 * MEGA < need < 700 * MEGA
    other.events.write(Started, pid=1)
    other.events.write(Metrics, step=1)
    free[0] = need
    assert fits_beside(run, "cpu", [other]), "what the other has taken is not free"
    free[0] = need - 1
    assert not fits_beside(run, "cpu", [other])


def test_room_is_kept_for_one_that_has_only_begun(tiny_folder: Path, rows: Path, free: list[int]) -> None:
    run, other = new(tiny_folder, rows), new(tiny_folder, rows)
    need = bytes_needed(run, "cpu") or 0
    other.events.write(Started, pid=1)
    other.events.write(Metrics, step=1)
    other.events.write(Started, pid=2)  # resumed: its memory was given back in between
    free[0] = 2 * need - 1
    assert not fits_beside(run, "cpu", [other])
    free[0] = 2 * need
    assert fits_beside(run, "cpu", [other])


def test_the_cpu_computes_in_its_own_format_beside_any_gpu(
    tiny_folder: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new(tiny_folder, rows)
    monkeypatch.setattr(hardware, "cpu_flags", frozenset)
    need = bytes_needed(run, "cpu")
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda *words: "GPU, 40000\n")
    assert bytes_needed(run, "cpu") == need
    exact = store.create(config(tiny_folder, rows, bf16=False))
    assert bytes_needed(exact, "cpu") == need, "no fast bf16 here, so fp32 is chosen"


def test_a_base_in_int8_takes_less(tiny_folder: Path, rows: Path) -> None:
    plain = store.create(config(tiny_folder, rows, bf16=False))
    coarse = store.create(config(tiny_folder, rows, bf16=True, quantization_bit=8))
    assert (bytes_needed(coarse, "cpu") or 0) < (bytes_needed(plain, "cpu") or 0)
    assert bytes_needed(store.create(config(tiny_folder, rows, quantization_bit=4)), "cpu") is None


def test_what_is_not_known_does_not_fit(
    tiny_folder: Path, rows: Path, free: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free[0] = 1 << 50
    run, other = new(tiny_folder, rows), new(tiny_folder, rows)
    assert fits_beside(run, "cpu", [other])
    assert not fits_beside(new("nobody/has-it", rows), "cpu", [other]), "still to be fetched"
    assert not fits_beside(run, "cpu", [Run(tmp_path / "gone")])
    monkeypatch.setattr(hardware, "_nvidia_smi", lambda *words: "")
    assert not fits_beside(run, "cuda:0", [other]), "no driver tells"
    asked: list[str] = []

    def smi(*words: str) -> str:
        asked.extend(words)
        return "40000\n"

    monkeypatch.setattr(hardware, "_nvidia_smi", smi)
    assert fits_beside(run, "cuda:3", [other])
    assert asked == ["memory.free", "--id=3"]
