"""Every `--help`, in both languages, as it was last agreed on."""

from __future__ import annotations

import pytest

from conch.cli import COMMANDS
from tests.cli.help_snapshots import LANGUAGES, RENEW, help_pages, snapshot
from tests.cli.program import call, spawn


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_is_as_agreed(language: str) -> None:
    agreed = snapshot(language).read_text(encoding="utf-8")
    assert help_pages(language) == agreed, (
        f"Help has changed. If that is meant: {RENEW}, and look at the diff."
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_shows_what_the_snapshot_holds(language: str) -> None:
    ended = spawn("runs", "logs", "--help", CONCH_LANG=language, COLUMNS="80")
    assert ended.code == 0
    assert ended.err == ""
    assert f"$ conch runs logs --help\n{ended.out}" in snapshot(language).read_text(encoding="utf-8")


def test_both_languages_hold_the_same_pages() -> None:
    pages = [
        [
            line
            for line in snapshot(language).read_text(encoding="utf-8").splitlines()
            if line.startswith("$ ")
        ]
        for language in LANGUAGES
    ]
    assert pages[0] == pages[1]
    assert {f"$ conch {name} --help" for name in COMMANDS} < set(pages[0])
    assert len(pages[0]) >= 23


def test_every_command_answers_in_json() -> None:
    """Groups aside: they only hold commands."""
    pages = snapshot("en").read_text(encoding="utf-8").split("$ conch")[1:]
    without = [
        page.partition(" --help")[0].strip()
        for page in pages
        if "\nCommands:" not in page and "--json" not in page
    ]
    assert without == []


def test_no_command_is_the_same_as_help() -> None:
    ended = call()
    assert ended.code == 2
    assert "Usage: conch" in ended.err
