"""`do_predict`: the prediction that ends a run, or is all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conch.cli import run as conch
from conch.config import load_train
from conch.core.events import Event, Finished, Metrics, Phase, Started, Stopped
from conch.evaluation.predict import ALL, ANSWERS, RESULTS, STARTED
from conch.predicting import LastPart
from conch.runs import Run, read_events, store
from conch.submit import _with_changes, check, plan_resume
from conch.worker import execute
from tests.tiny import save_tiny, write_rows
from tests.training.helpers import BASIC, new_run, same, weights

ASKED = {"do_predict": True, "predict_with_generate": True, "max_new_tokens": 4, "num_train_epochs": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny", max_position_embeddings=256)


def events(run: Run) -> list[Event]:
    return list(read_events(run.events_path))


def phases(run: Run) -> list[str]:
    return list(dict.fromkeys(event.name for event in events(run) if isinstance(event, Phase)))


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def newest_attempt(run: Run) -> list[Event]:
    told = events(run)
    begin = max(at for at, event in enumerate(told) if isinstance(event, Started))
    return told[begin:]


def trained_and_predicting(model: Path, rows: Path, **settings: Any) -> Run:
    return new_run(model, rows, **{**BASIC, **ASKED, "do_train": True, "val_size": 36, **settings})


def test_a_run_predicts_the_rows_that_it_held_back(model: Path, tmp_path: Path) -> None:
    run = trained_and_predicting(model, write_rows(tmp_path / "rows.json", 60))
    assert execute(run), run.summary()["error"]
    assert phases(run)[-4:] == ["saving", "trained", "predicting", "predicted"]
    assert isinstance(events(run)[-1], Finished)
    told = lines(run.output / ANSWERS)
    assert len(told) == 36
    results = json.loads((run.output / RESULTS).read_text())
    everything = json.loads((run.output / ALL).read_text())
    assert everything.items() >= results.items()
    assert everything["tokens"] > 0
    assert not (run.output / STARTED).exists()
    # what the run was trained on is none of it, and `conch predict` on the run says the same
    asked = {**ASKED, "model_name_or_path": run.id, "dataset": str(tmp_path / "rows.json"), "val_size": 36}
    words = [f"{key}={value}" for key, value in asked.items()]
    assert conch(["predict", *words, f"output_dir={tmp_path / 'out'}"]) == 0
    assert lines(tmp_path / "out" / ANSWERS) == told


def test_rows_of_another_dataset_are_predicted_in_their_order(model: Path, tmp_path: Path) -> None:
    run = new_run(
        model,
        write_rows(tmp_path / "rows.json", 8),
        **{**BASIC, **ASKED, "do_train": True, "eval_dataset": str(write_rows(tmp_path / "asked.json", 20))},
    )
    assert execute(run), run.summary()["error"]
    assert [told["label"] for told in lines(run.output / ANSWERS)] == [
        f"I am the magic conch number {at}." for at in range(20)
    ]


class Struck:
    """Breaks a prediction off after so many rows are answered, as a kill does, or asks to stop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rows: int, run: Run, *, stops: bool) -> None:
        told = LastPart._tell

        def tell(part: LastPart, done: int, total: int) -> None:
            if done >= rows and stops:
                run.ask_to_stop()
            told(part, done, total)
            if done >= rows:
                raise KeyboardInterrupt

        monkeypatch.setattr(LastPart, "_tell", tell)


@pytest.mark.parametrize("stops", [False, True])
def test_a_prediction_goes_on_where_it_stood_and_nothing_is_trained_twice(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    rows = write_rows(tmp_path / "rows.json", 60)
    whole = trained_and_predicting(model, rows)
    assert execute(whole)
    run = trained_and_predicting(model, rows)
    with monkeypatch.context() as patch:
        Struck(patch, 16, run, stops=stops)
        if stops:
            assert execute(run)
            assert run.state() == "stopped"
            assert isinstance(events(run)[-1], Stopped)
        else:
            with pytest.raises(KeyboardInterrupt):
                execute(run)
    made = weights(run.output)
    for wish in (run.stop_path, run.cancel_path):
        wish.unlink(missing_ok=True)
    newest = run.checkpoints()[-1] if run.checkpoints() else None
    assert execute(run, newest), run.summary()["error"]
    again = newest_attempt(run)
    assert not any(isinstance(event, Metrics) for event in again)
    (predicted,) = [event for event in again if isinstance(event, Phase) and event.name == "predicted"]
    assert predicted.facts is not None
    assert predicted.facts["again"] >= 16
    assert same(weights(run.output), made)
    assert lines(run.output / ANSWERS) == lines(whole.output / ANSWERS)
    first, last = (one for one in (events(whole)[-1], events(run)[-1]) if isinstance(one, Finished))
    assert (last.step, last.tokens, last.loss) == (first.step, first.tokens, first.loss)


def test_more_epochs_are_trained_before_it_is_predicted_again(model: Path, tmp_path: Path) -> None:
    run = trained_and_predicting(model, write_rows(tmp_path / "rows.json", 60))
    assert execute(run)
    plan = plan_resume(run, epochs=2)
    run = _with_changes(plan)
    assert execute(run, plan.checkpoint)
    assert any(isinstance(event, Metrics) for event in newest_attempt(run))
    assert phases(run)[-1] == "predicted"


def test_a_file_of_llama_factory_for_prediction_trains_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "predict.yaml"
    file.write_text(
        f"model_name_or_path: {model}\ntrust_remote_code: true\nstage: sft\ndo_predict: true\n"
        f"finetuning_type: lora\neval_dataset: {write_rows(tmp_path / 'rows.json', 6)}\ntemplate: chatml\n"
        "cutoff_len: 2048\nmax_samples: 4\npreprocessing_num_workers: 16\ndataloader_num_workers: 4\n"
        f"output_dir: {tmp_path / 'out'}\noverwrite_output_dir: true\nper_device_eval_batch_size: 1\n"
        "predict_with_generate: true\nmax_new_tokens: 4\nddp_timeout: 180000000\n"
    )
    config = load_train(file).config
    check(config)
    run = store.create(config)
    assert execute(run), run.summary()["error"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [ALL, ANSWERS, RESULTS]
    assert len(lines(tmp_path / "out" / ANSWERS)) == 4
    assert phases(run) == ["predicting", "predicted"]
    assert run.state() == "finished"
    assert conch(["train", str(file), "--dry-run"]) == 0
    assert "do_predict" in capsys.readouterr().out


def test_what_can_not_be_predicted_fails_in_words(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps([{"instruction": "?", "input": "", "output": ""}]))
    values = {"model_name_or_path": str(model), "eval_dataset": str(tmp_path / "none.json"), **ASKED}
    run = store.create(load_train(values=values).config)
    assert not execute(run)
    error = run.summary()["error"]
    assert "none.json" in error["message"]
    assert error["hint"]
