"""What the quickstart says and works out, on a run that never was. tests/e2e goes the whole way."""

from __future__ import annotations

import pytest

from conch.cli.quickstart import Narrator
from conch.core.events import Finished, Metrics, Started
from conch.core.text import set_language
from conch.quickstart import Report, training_figures
from conch.runs import Run
from tests.cli.made_up import made_up_run


@pytest.fixture
def run() -> Run:
    made = made_up_run("20250101-000000-aaaa", "queued")
    made.events.write(Started, pid=1)
    for step, eval_loss in ((0, 4.0), (5, 1.5), (10, 1.75)):
        made.events.write(Metrics, step=step, total_steps=10, loss=2.0)
        made.events.write(Metrics, step=step, total_steps=10, eval_loss=eval_loss)
    made.events.write(Finished, step=10, train_seconds=1.0, tokens=10, tokens_per_second=10.0)
    return made


def test_the_best_evaluation_is_told_with_its_step(run: Run) -> None:
    assert training_figures(run)["eval_loss"] == {"before": 4.0, "after": 1.75, "best": 1.5, "best_step": 5}


@pytest.mark.parametrize(("language", "words"), [("en", "took"), ("zh", "用时")])
def test_each_phase_tells_how_long_it_took(
    language: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    set_language(language)
    report = Report()
    with Narrator() as narrator, report.phase("model", narrator):
        narrator.note("note")
    said = capsys.readouterr().err
    assert words in said.splitlines()[-1]
    assert report.seconds.keys() == {"model"}
