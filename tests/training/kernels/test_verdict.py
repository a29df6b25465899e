"""What was found out about a model is found again, as long as nothing that it depends on changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from conch.models import fused
from conch.models.native import library
from conch.training.kernels import choice, segments, verdict
from tests.tiny import tiny_model
from tests.training.kernels.test_choice import gradients, same, with_lora


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    (made / "model.safetensors").write_bytes(b"1")
    return made


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How often a model is tried."""
    found: list[str] = []
    for module, name in ((segments, "is_exact_for"), (choice, "choose")):
        plain: Callable[..., Any] = getattr(module, name)

        def counted(*given: Any, plain: Any = plain, name: str = name, **options: Any) -> Any:
            found.append(name)
            return plain(*given, **options)

        monkeypatch.setattr(module, name, counted)
    return found


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text"])
def test_the_same_path_is_found_again(architecture: str, folder: Path, tries: list[str]) -> None:
    first = verdict.find_path(with_lora(architecture), [folder], mixed=False)
    assert tries == ["is_exact_for", "choose"]
    model = with_lora(architecture)
    packed, path = verdict.find_path(model, [folder], mixed=False)
    assert len(tries) == 2
    assert (packed, first[0]) == (True, True)
    assert (path.names, path.left, path.half) == (first[1].names, first[1].left, first[1].half)
    assert len(path.patches) == len(first[1].patches)
    same(gradients(model, path), gradients(model, choice.PLAIN))


def test_what_was_left_out_stays_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fused._offset
    with monkeypatch.context() as wrong:
        wrong.setattr(fused, "_offset", lambda *given: real(*given) + 1)
        first = verdict.find_path(with_lora("llama"), [folder], mixed=False)
    again = verdict.find_path(with_lora("llama"), [folder], mixed=False)
    assert first[1].left == again[1].left == ("norm",)
    assert "norm" not in again[1].names


def test_padded_models_stay_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as never:
        never.setattr(segments, "is_exact_for", lambda model: False)
        verdict.find_path(tiny_model("llama"), [folder], mixed=False)
    assert verdict.find_path(tiny_model("llama"), [folder], mixed=False) == (False, choice.PLAIN)


def other_weights(model: Any, folder: Path) -> Any:
    os.utime(folder / "model.safetensors", ns=(1, 1))
    return model


CHANGES: dict[str, Callable[[Any, Path], Any]] = {
    "weights": other_weights,
    "architecture": lambda model, folder: with_lora("qwen2"),
    "dropout": lambda model, folder: with_lora("llama", lora_dropout=0.5),
    "targets": lambda model, folder: with_lora("llama", target_modules=["q_proj"]),
    "format": lambda model, folder: with_lora("llama", tiny_model("llama").to(torch.bfloat16)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_means_another_trial(change: str, folder: Path, tries: list[str]) -> None:
    verdict.find_path(with_lora("llama"), [folder], mixed=False)
    verdict.find_path(CHANGES[change](with_lora("llama"), folder), [folder], mixed=False)
    assert tries.count("is_exact_for") == 2


def test_so_does_another_machine(folder: Path, tries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    verdict.find_path(with_lora("llama"), [folder], mixed=False)
    monkeypatch.setattr(verdict, "library", lambda: None if library() else library)
    verdict.find_path(with_lora("llama"), [folder], mixed=False)
    assert tries.count("is_exact_for") == 2


def test_what_is_broken_is_found_out_again(folder: Path, home: Path, tries: list[str]) -> None:
    verdict.find_path(with_lora("llama"), [folder], mixed=False)
    for file in (home / "cache" / "fused").iterdir():
        file.write_text('{"packed": true')
    verdict.find_path(with_lora("llama"), [folder], mixed=False)
    assert tries.count("is_exact_for") == 2
