"""The file that keeps what long proofs have shown."""

from __future__ import annotations

from pathlib import Path

from tests.proofs import FILE, Proofs, kept


def test_a_proof_that_runs_by_itself_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "proofs.md"
    both = Proofs()
    both.tell("one thing (a, b)", "1 case")
    both.tell("another: `x`", "2 cases")
    both.keep(file)
    again = Proofs()
    again.tell("another: `x`", "3 cases")
    again.keep(file)
    assert {title: line.split(" | ")[0] for title, line in kept(file).items()} == {
        "one thing (a, b)": "1 case",
        "another: `x`": "3 cases",
    }


def test_the_kept_file_reads_back() -> None:
    assert len(kept(FILE)) >= 3
    assert all(line.count(" | ") == 1 for line in kept(FILE).values())
