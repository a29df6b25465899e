"""Whatever a user calls a model is found, and what can't be found is told."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from conch.config import load_train
from conch.core.errors import ModelError, RunError
from conch.core.events import Finished, Started, Stopped
from conch.models import convert
from conch.models.locate import Located, Request, find, locate
from conch.models.wish import Wish
from conch.runs import Run, store
from tests.models.folders import add_adapter

HASHES = ("a" * 40, "b" * 40)


def refused(reference: str | Path, key: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        locate(Request(str(reference)))
    assert caught.value.key == key
    assert caught.value.hint
    return caught.value


def make_run(base: str | Path, name: str = "20250101-000000-aaaa") -> Run:
    made = store.create(load_train(values={"model_name_or_path": str(base), "dataset": "magic_conch"}).config)
    run = Run(made.folder.rename(made.folder.parent / name))
    run.events.write(Started, pid=1)
    return run


def tuned_run(base: Path, name: str = "20250101-000000-aaaa") -> Run:
    """A finished run with an adapter as its output."""
    run = make_run(base, name)
    add_adapter(base, run.output)
    run.events.write(Finished, step=1, train_seconds=1.0, tokens=1, tokens_per_second=1.0)
    return run


# names


def test_a_bundled_name_is_a_starter(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def starter(wanted: object, notify: object) -> Path:
        asked.append(wanted)
        return tiny_folder

    monkeypatch.setattr(convert, "starter", starter)
    assert locate(Request("smollm2-135m")) == Located("smollm2-135m", tiny_folder)
    assert len(asked) == 1


def test_a_hub_id_is_fetched_with_all_that_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(wish: Wish, report: object) -> Path:
        asked.append(wish)
        return tmp_path

    monkeypatch.setattr("conch.models.pull.pull", fetch)
    request = Request("org/name", "v2", tmp_path / "cache", "token", source="hf-mirror")
    assert locate(request) == Located("name", tmp_path)
    assert asked == [Wish("org/name", "v2", "hf-mirror", "token", tmp_path / "cache")]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    assert "smollm2-135m" in refused("smollm2-135", "models.unknown").hint


def test_an_unknown_run_is_told_as_such() -> None:
    with pytest.raises(RunError) as caught:
        locate(Request("20250101-000000-aaaa"))
    assert caught.value.key == "runs.unknown"


# runs and adapters


def test_a_run_is_its_base_with_its_adapter_on_top(tiny_folder: Path) -> None:
    run = tuned_run(tiny_folder)
    for name in (run.id, "20250101-0", "latest"):
        assert locate(Request(name)) == Located(run.id, tiny_folder, (run.output,))


def test_a_run_upon_a_run_has_both_adapters(tiny_folder: Path) -> None:
    below = tuned_run(tiny_folder)
    above = tuned_run(tiny_folder, "20250101-000000-bbbb")
    file = above.output / "adapter_config.json"
    config = json.loads(file.read_text()) | {"base_model_name_or_path": below.id}
    file.write_text(json.dumps(config))
    assert locate(Request(above.id)) == Located(above.id, tiny_folder, (below.output, above.output))


def test_a_run_of_full_tuning_is_its_output(tiny_folder: Path) -> None:
    run = make_run(tiny_folder)
    shutil.copytree(tiny_folder, run.output)
    assert locate(Request(run.id)) == Located(run.id, run.output)


def test_a_run_without_output_is_unfinished(tiny_folder: Path) -> None:
    run = make_run(tiny_folder)
    run.claim(os.getpid())
    assert "conch runs follow" in refused(run.id, "models.run_unfinished").hint
    (run.output / "checkpoint-2").mkdir(parents=True)
    (run.output / "checkpoint-10").mkdir()
    assert f"{run.output}/checkpoint-10" in refused(run.id, "models.run_unfinished_saved").hint


def test_of_a_run_that_ended_without_a_model_the_checkpoint_is_offered(tiny_folder: Path) -> None:
    run = make_run(tiny_folder)
    run.events.write(Stopped, step=2)
    assert f"conch runs resume {run.id}" in refused(run.id, "models.run_ended").hint
    (run.output / "checkpoint-2").mkdir(parents=True)
    hint = refused(run.id, "models.run_ended_saved").hint
    assert f"conch runs resume {run.id}" in hint
    assert f"{run.output}/checkpoint-2" in hint
    assert "Wait" not in hint


def test_a_run_is_found_by_the_name_that_only_it_has(tiny_folder: Path) -> None:
    run = tuned_run(tiny_folder)
    edit(run, run_name="shop assistant")
    assert locate(Request("shop assistant")).name == run.id
    edit(tuned_run(tiny_folder, "20250101-000000-bbbb"), run_name="shop assistant")
    with pytest.raises(RunError) as error:
        locate(Request("shop assistant"))
    assert error.value.key == "runs.ambiguous"


def edit(run: Run, **values: str) -> None:
    config = yaml.safe_load(run.config_path.read_text())
    run.config_path.write_text(yaml.safe_dump({**config, **values}))


def test_the_output_folder_of_a_run_bears_its_name(tiny_folder: Path) -> None:
    run = tuned_run(tiny_folder)
    assert locate(Request(str(run.output))).name == run.id


def test_an_adapter_folder_is_its_base_with_it_on_top(tiny_folder: Path, tiny_adapter: Path) -> None:
    assert locate(Request(str(tiny_adapter))) == Located("shop", tiny_folder, (tiny_adapter,))


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"base_model_name_or_path": null}', '"text"'])
def test_an_adapter_without_a_base(content: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(content)
    refused(tmp_path, "models.bad_adapter")


def test_an_adapter_upon_itself(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tmp_path)}))
    refused(tmp_path, "models.bad_adapter")


def test_two_adapters_upon_one_another(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, base in ((one, other), (other, one)):
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    refused(one, "models.bad_adapter")


def test_an_adapter_whose_base_is_gone(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "/gone/base"}))
    assert "/gone/base" in refused(tmp_path, "models.no_path").message


# folders


def test_a_model_folder(tiny_folder: Path) -> None:
    assert locate(Request(str(tiny_folder))) == Located("tiny-llama", tiny_folder)


def test_a_folder_seen_from_the_current_one(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_folder.parent)
    assert locate(Request("tiny-llama")) == Located("tiny-llama", tiny_folder)
    assert locate(Request("./tiny-llama")).folder.is_absolute()


def test_a_folder_in_the_users_home(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_folder.parent))
    assert locate(Request("~/tiny-llama")).folder == tiny_folder


def cache_of(tmp_path: Path, hashes: tuple[str, ...] = HASHES) -> Path:
    cache = tmp_path / "models--org--tiny"
    for number, name in enumerate(hashes):
        snapshot = cache / "snapshots" / name
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_text("{}")

        os.utime(snapshot, (number, number))
    (cache / "snapshots").mkdir(parents=True, exist_ok=True)
    return cache


@pytest.mark.parametrize("named", [0, 1])
def test_a_hub_cache_folder_is_the_snapshot_of_main(named: int, tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(HASHES[named])
    assert locate(Request(str(cache))) == Located("tiny", cache / "snapshots" / HASHES[named])


@pytest.mark.parametrize("main", [None, "c" * 40])
def test_a_hub_cache_folder_without_main_is_the_newest_snapshot(main: str | None, tmp_path: Path) -> None:
    cache = cache_of(tmp_path)
    if main:
        (cache / "refs").mkdir()
        (cache / "refs" / "main").write_text(main)
    assert locate(Request(str(cache))).folder == cache / "snapshots" / HASHES[1]


def test_a_snapshot_bears_the_name_of_its_model(tmp_path: Path) -> None:
    snapshot = cache_of(tmp_path) / "snapshots" / HASHES[0]
    assert locate(Request(str(snapshot))) == Located("tiny", snapshot)


def test_a_hub_cache_folder_without_snapshots(tmp_path: Path) -> None:
    refused(cache_of(tmp_path, ()), "models.empty_cache")


@pytest.mark.parametrize(
    "missing", ["./gone", "/gone/model", "a/b/c", "gone.gguf", "gone.safetensors", "../gone"]
)
def test_a_path_that_is_not_there(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert missing in refused(missing, "models.no_path").message


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")
    refused(file, "models.not_a_model")


# what is at hand


@pytest.mark.parametrize("reference", ["smollm2-135m", "org/name"])
def test_what_would_have_to_be_fetched_is_not_at_hand(reference: str) -> None:
    assert find(Request(reference)) is None


def test_what_would_have_to_be_converted_is_not_at_hand(tiny_gguf: Path) -> None:
    assert find(Request(str(tiny_gguf))) is None
    assert find(Request(str(tiny_gguf.parent))) is None


def test_an_adapter_of_a_hub_model_is_not_at_hand(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/name"}')
    assert find(Request(str(tmp_path))) is None


def test_what_is_at_hand_is_found(tiny_folder: Path, tiny_adapter: Path) -> None:
    assert find(Request(str(tiny_folder))) == locate(Request(str(tiny_folder)))
    assert find(Request(str(tiny_adapter))) == locate(Request(str(tiny_adapter)))


def test_what_is_nowhere_is_told_at_once() -> None:
    with pytest.raises(ModelError):
        find(Request("./gone"))
