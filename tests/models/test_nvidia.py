"""The one question to NVIDIA's driver, which listing models, sharing a card and the doctor ask."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from conch.models import hardware, nvidia


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def says(script: str) -> str:
        file = tmp_path / "nvidia-smi"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(nvidia, "program", lambda: str(file))
        return str(file)

    return says


def test_what_is_asked_for_and_what_is_said(driver) -> None:
    program = driver('echo "$@"')
    assert nvidia.ask(program, "name", "--id=1") == nvidia.Told(
        True, "--query-gpu=name --format=csv,noheader,nounits --id=1"
    )


@pytest.mark.parametrize("script", ["echo it failed; echo more; exit 9", "echo it failed >&2; exit 1"])
def test_a_driver_that_does_not_work_says_why_and_no_cards(driver, script: str) -> None:
    assert nvidia.ask(driver(script), "name") == nvidia.Told(False, "it failed")
    assert hardware.find_room().kind == "cpu"
    assert hardware.free_on_gpu("0") is None


def test_the_largest_card_is_the_room(driver) -> None:
    driver("echo 'A, 100'; echo 'B, 81559'")
    assert (hardware.find_room().name, hardware.find_room().bytes) == ("B", 81559 << 20)
    driver("echo 512")
    assert hardware.free_on_gpu("0") == 512 << 20


def test_a_program_that_cannot_be_run(tmp_path: Path) -> None:
    assert not nvidia.ask(str(tmp_path / "none"), "name").works
