"""One model by itself: losses by row, the general examination, and lm-eval against our own server."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from conch.cli import run as conch
from conch.config.compare import ReadingConfig, RowsConfig
from conch.config.model import ModelConfig
from conch.core.conversation import Conversation, Message
from conch.core.errors import UsageError
from conch.data.example import IGNORED, encode
from conch.evaluation import harness
from conch.evaluation.harness import Bench, known_tasks, scores
from conch.evaluation.losses import RowLoss, whole
from conch.evaluation.measure import measure_losses
from conch.evaluation.paper import paper
from conch.models.load import load
from tests.tiny import CHATML, save_tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny")


def test_the_loss_of_a_row_is_that_of_training(model: Path, rows: Path) -> None:
    import torch

    named = RowsConfig(dataset=(str(rows),), max_samples=3)
    found = measure_losses(str(model), named, ReadingConfig(infer_dtype="float32"))
    loaded = load(ModelConfig(model_name_or_path=str(model)), dtype="float32")
    for question, row in zip(paper(named).questions, found.rows, strict=True):
        turns = (*question.messages, Message("assistant", question.wanted))
        example = encode(Conversation(turns), loaded.template())[0]
        with torch.no_grad():
            loss = loaded.model(torch.tensor([example.input_ids]), labels=torch.tensor([example.labels])).loss
        assert row.loss == pytest.approx(float(loss), abs=1e-4)
        assert row.tokens == sum(label != IGNORED for label in example.labels[1:])
        assert row.perplexity == pytest.approx(math.exp(float(loss)), rel=1e-3)


def test_the_whole_counts_tokens_and_leaves_out_what_did_not_fit() -> None:
    total = whole([RowLoss(1, 4.0), RowLoss(3, 0.0), RowLoss(0, None)])
    assert (total.tokens, total.loss) == (4, 1.0)
    assert whole([RowLoss(0, None)]).loss is None


def test_the_shell_tells_losses_and_keeps_all_of_them(
    model: Path, rows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(model), "--dataset", str(rows), "--limit", "3", "--to", str(tmp_path / "r.json")]
    assert conch(words) == 0
    assert "perplexity" in capsys.readouterr().out
    kept = json.loads((tmp_path / "r.json").read_text())
    assert [row["row"] for row in kept["rows"]] == [1, 2, 3]
    assert kept["loss"] == pytest.approx(sum(r["loss"] * r["tokens"] for r in kept["rows"]) / kept["tokens"])


def test_one_model_is_examined(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conch(["evaluate", str(model), "--limit", "8", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["questions"] == 8
    assert sum(area["questions"] for area in told["areas"].values()) == 8


def test_tasks_or_a_dataset(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert conch(["evaluate", str(model), "--tasks", "x", "--dataset", "y"]) == 2
    assert "both given" in capsys.readouterr().err


def test_without_the_harness_it_is_said_how_to_come_by_it(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(harness, "installed", lambda: False)
    assert conch(["evaluate", str(model), "--tasks", "arc_easy"]) == 2
    assert "conch[eval]" in capsys.readouterr().err


def test_scores_are_read_out_of_the_document() -> None:
    figures = {
        "alias": "t",
        "acc,none": 0.5,
        "acc_stderr,none": 0.1,
        "em,strict": 1.0,
        "em_stderr,strict": "N/A",
    }
    found = scores({"results": {"t": figures}, "n-samples": {"t": {"original": 9, "effective": 4}}})
    assert [(s.metric, s.value, s.error, s.rows) for s in found] == [
        ("acc", 0.5, 0.1, 4),
        ("em (strict)", 1.0, None, 4),
    ]


@pytest.fixture
def own_task(tmp_path: Path) -> Path:
    """A task of two choices, and one of log-likelihoods, whose rows lie beside it."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [
        {"question": "Who are you?", "choices": ["the magic conch", "restart"], "answer": at % 2}
        for at in range(4)
    ]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "own_choice.yaml").write_text(
        f"task: own_choice\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {file}\n"
        "test_split: test\noutput_type: multiple_choice\ndoc_to_text: '{{question}}'\n"
        "doc_to_choice: '{{choices}}'\ndoc_to_target: answer\nmetric_list:\n  - metric: acc\n"
    )
    return folder


def test_a_task_is_scored_as_the_model_itself_says(
    own_task: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval (the extra `eval`) is not installed")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    model = save_tiny(tmp_path / "tiny", template=CHATML)
    words = ["evaluate", str(model), "--tasks", "own_choice", "--task-dir", str(own_task), "--json"]
    assert conch(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(s["task"], s["metric"], s["rows"]) for s in told["scores"]] == [("own_choice", "acc", 4)]
    # each answer is right in half of the rows, whatever the model says
    assert told["scores"][0]["value"] == 0.5
    said = [float(answer[0]) for answer in told["samples"]["own_choice"][0]["filtered_resps"]]
    loaded = load(ModelConfig(model_name_or_path=str(model)), dtype="float32")
    assert said == pytest.approx(
        [likelihood(loaded, text) for text in (" the magic conch", " restart")], abs=1e-2
    )


def likelihood(loaded, text: str) -> float:
    import torch

    whole = loaded.tokenizer.encode("Who are you?" + text)
    begun = len(loaded.tokenizer.encode("Who are you?"))
    with torch.no_grad():
        logprobs = loaded.model(torch.tensor([whole])).logits[0].log_softmax(-1)
    return sum(float(logprobs[at - 1, whole[at]]) for at in range(begun, len(whole)))


def test_an_unknown_task_is_told_with_those_like_it(own_task: Path) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval (the extra `eval`) is not installed")
    with pytest.raises(UsageError, match="knows no task own_choise"):
        known_tasks(Bench(("own_choise",), own_task))
