"""Hundreds of damaged files of every kind: each ends in a report or in our error, and none hangs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from conch.config.data import DataConfig
from conch.core.errors import ConchError
from conch.data import files
from conch.data.check import check
from conch.data.prepare import prepare
from conch.data.template import ChatTemplate
from tests.data.made import ALPACA, BY_FORMAT, KINDS, as_json, as_lines, opened, write
from tests.proofs import Proofs
from tests.tiny import tiny_tokenizer

ALPHABET = b'{}[]:,"\n\t \\u0019eEnula-.\x00\xff\xe6\xd8/PK'
WHOLE: dict[str, bytes] = {
    **{name: kind(ALPACA) for name, kind in KINDS.items()},
    **{f"{format}.json": as_json(rows) for format, rows in BY_FORMAT.items()},
    **{f"{format}.jsonl": as_lines(rows[:1]) for format, rows in BY_FORMAT.items()},
    "a.txt": "one line\n第二行\n".encode(),
}


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` with a few bytes changed, cut off, repeated or put in."""
    data = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 4))):
        place = chance.randrange(len(data) + 1)
        kind = chance.randrange(8)
        if kind == 0:
            del data[place:]
        elif kind == 1:
            data[place:place] = data[: chance.randint(0, len(data))]
        elif kind == 2 and data:
            data[min(place, len(data) - 1)] ^= 1 << chance.randrange(8)
        else:
            more = bytes(chance.choices(ALPHABET, k=chance.randint(0, 3)))
            data[place : place + chance.randint(0, 3)] = more
    return bytes(data)


@pytest.mark.timeout(300)
def test_damaged_files_of_every_kind_end_in_a_report_or_in_our_error(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, proofs: Proofs
) -> None:
    monkeypatch.setattr(files, "PLENTY", 50_000)
    chance = random.Random(11)
    template = ChatTemplate.of(tiny_tokenizer())
    names = sorted(WHOLE)
    told: list[ConchError] = []
    reports, loads = 0, 0
    for number in range(2000 if request.config.getoption("--prove") else 300):
        name = names[number % len(names)]
        file = write(tmp_path / f"{number}" / name, mutated(WHOLE[name], chance))
        try:
            report = check(opened(file))
        except ConchError as error:
            told.append(error)
            continue
        reports += 1
        assert all(finding.reason for findings in report.findings.values() for finding in findings)
        if report.opened.format.name not in {"alpaca", "sharegpt", "openai"}:
            continue
        config = DataConfig(dataset=(str(file),))
        try:
            loaded = prepare(config, template, seed=0)
        except ConchError:
            continue
        assert report.passed, "what is loaded passes the check"
        assert loaded.train
        loads += 1
    assert all(error.message and error.hint for error in told)
    assert min(reports, len(told)) > 60, "both ends are reached"
    assert loads > 8
    proofs.tell(
        "damaged dataset files of every kind end in a report or in one of our errors, never in a traceback",
        f"{number + 1} files: {len(told)} errors, {reports} reports, {loads} loads",
    )
