"""Datasets of a hub: which of their files are meant, and the real client against a hub on the loopback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from conch.config import load_train, settings
from conch.config.data import DataConfig
from conch.core import hubs
from conch.core.errors import ConfigErrors, DataError
from conch.core.hubs import Tokens
from conch.core.notice import Notice
from conch.data.dataset import Dataset, HubPlace
from conch.data.fingerprint import fingerprint
from conch.data.hubs import _attempts, modelscope
from conch.data.hubs.choice import choose
from conch.data.hubs.huggingface import HuggingFace
from conch.data.opened import Datasets
from conch.data.prepare import prepare
from conch.data.reading import open_dataset
from conch.data.rows import Row
from conch.data.sources import asked_dataset, find_dataset
from conch.data.template import ChatTemplate
from conch.models import sources
from tests.cli.program import call, spawn
from tests.data.dataset_hub import DatasetHub, serving
from tests.data.made import ALPACA, ROW, as_csv, as_lines, as_parquet
from tests.models.modelscope_server import Scope, scoping
from tests.tiny import tiny_tokenizer

REPO = "tiny-org/conch-set"


def chosen(names: list[str], card: str = "", **asked: str) -> list[str]:
    return choose(names, card, HubPlace(REPO, **asked))


def refused(key: str, names: list[str], card: str = "", **asked: str) -> DataError:
    with pytest.raises(DataError) as error:
        chosen(names, card, **asked)
    assert error.value.key == key
    assert error.value.hint
    return error.value


# which files


def test_without_words_in_their_names_all_files_are_for_training() -> None:
    names = [".gitattributes", "README.md", "LICENSE", "a.json", "b.jsonl", "notes.txt", "script.py", "x.png"]
    assert chosen(names) == ["a.json", "b.jsonl"]
    assert chosen(["a.txt"]) == ["a.txt"]


def test_splits_are_told_by_the_words_in_names() -> None:
    names = ["data/train-0-of-2.parquet", "data/train-1-of-2.parquet", "data/test-0.parquet", "valid.csv"]
    assert chosen(names) == names[:2]
    assert chosen(names, split="test") == names[2:3]
    assert chosen(names, split="validation") == names[3:]
    assert chosen(["constraint.json", "trainer.json"]) == ["constraint.json", "trainer.json"]
    assert chosen(["only-test.json"]) == ["only-test.json"], "the only split there is"
    assert chosen(["data/train_sft-0.parquet", "data/train_gen-0.parquet"], split="train_sft") == [
        "data/train_sft-0.parquet"
    ]
    assert "train" in refused("data.hub_no_split", names, split="other").hint


def test_subsets_are_folders() -> None:
    names = ["en/train.json", "zh/train.json", "zh/test.json"]
    assert chosen(names, subset="zh") == ["zh/train.json"]
    assert chosen(names, folder="zh", split="test") == ["zh/test.json"]
    assert chosen(names, subset="default") == names[:2]
    assert "en, zh" in refused("data.hub_no_subset", names, subset="fr").hint
    refused("data.hub_no_files", names, folder="fr")


CARD = """---
license: apache-2.0
configs:
- config_name: en
  data_files:
  - split: train
    path: "english/*.jsonl"
  - split: test
    path: ["held/e-*.jsonl"]
- config_name: zh
  data_files: "chinese.jsonl"
---
# A dataset
"""
FILES = ["english/a.jsonl", "english/b.jsonl", "held/e-1.jsonl", "chinese.jsonl", "README.md"]


def test_the_readme_says_which_files_a_subset_has() -> None:
    assert chosen(FILES, CARD, subset="en") == FILES[:2]
    assert chosen(FILES, CARD, subset="en", split="test") == ["held/e-1.jsonl"]
    assert chosen(FILES, CARD, subset="zh") == ["chinese.jsonl"]
    assert "en, zh" in refused("data.hub_which_subset", FILES, CARD).hint
    assert "en, zh" in refused("data.hub_no_subset", FILES, CARD, subset="fr").hint
    refused("data.hub_no_split", FILES, CARD, subset="zh", split="test")
    assert chosen(FILES, CARD.replace("config_name: zh", "default: true")) == ["chinese.jsonl"]
    only = CARD[: CARD.index("- config_name: zh")] + "---\n"
    assert chosen(FILES, only) == FILES[:2]


@pytest.mark.parametrize("card", ["no header", "---\n: [\n---\n", "---\nconfigs: 3\n---\n", "---\na\n---\n"])
def test_a_readme_that_says_nothing(card: str) -> None:
    assert chosen(["a.json", "README.md"], card) == ["a.json"]


def test_a_dataset_that_needs_a_script_is_refused() -> None:
    refused("data.hub_no_files", ["set.py", "README.md"])


# the client


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatasetHub]:
    from huggingface_hub import constants

    files = {
        "README.md": b"# A dataset",
        "train.jsonl": as_lines(ALPACA),
        "test.csv": as_csv([ROW]),
        "extra/valid.parquet": as_parquet([ROW]),
        "pytorch_model.bin": b"should never be fetched",
        "load.py": b"raise SystemExit",
    }
    with serving(DatasetHub(REPO, files)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("HF_HUB_OFFLINE", "0")
        yield hub


def rows(**asked: str) -> int:
    opened = open_dataset(Dataset("x", hubs=(HubPlace(REPO, **asked),)))
    return sum(isinstance(item, Row) for item in opened.items())


def failing(**asked: str) -> DataError:
    with pytest.raises(DataError) as error:
        rows(**asked)
    assert REPO in error.value.message
    assert error.value.hint
    return error.value


def test_only_the_files_of_a_split_are_fetched_and_once(served: DatasetHub) -> None:
    assert rows() == 2
    assert served.fetched == ["README.md", "train.jsonl"]
    assert rows() == 2
    assert served.fetched.count("train.jsonl") == 1
    assert rows(split="validation") == 1
    assert "load.py" not in served.fetched


def test_what_is_in_the_cache_is_used_without_a_network(
    served: DatasetHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    assert rows() == 2
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    served.refusal = (500, "")
    assert rows() == 2
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "/nowhere")
    assert failing().key == "data.hub_offline"


@pytest.mark.parametrize(
    ("refusal", "key"),
    [
        ((404, "RepoNotFound"), "data.hub_no_repo"),
        ((401, "GatedRepo"), "data.hub_gated"),
        ((400, "Odd"), "data.hub_error"),
    ],
)
def test_refusals_are_told_in_our_words(served: DatasetHub, refusal: tuple[int, str], key: str) -> None:
    served.refusal = refusal
    assert failing().key == key


def test_a_revision_that_is_not_there(served: DatasetHub) -> None:
    assert failing(revision="v9").key == "data.hub_no_revision"


NOBODY = "http://127.0.0.1:9"


def test_a_hub_that_cannot_be_reached(served: DatasetHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    error = failing()
    assert error.key == "data.hub_unreachable"
    assert "refused" in error.message


# several hubs


def test_a_mirror_that_is_settled_for_models_serves_datasets_too(
    served: DatasetHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    settings.settle_source(served.url)
    assert rows() == 2


def test_the_next_hub_is_tried_where_one_cannot_be_reached(served: DatasetHub) -> None:
    settings.settle_source(f"{NOBODY},{served.url}")
    assert rows() == 2


def test_a_source_that_is_named_goes_before_the_settled_one(served: DatasetHub) -> None:
    settings.settle_source(NOBODY)
    dataset = Dataset("x", hubs=(HubPlace(REPO),), source=served.url)
    assert len(open_dataset(dataset).files) == 1


@pytest.mark.parametrize("key", ["model_source", "dataset_source"])
def test_training_fetches_from_the_source_of_its_config(served: DatasetHub, key: str) -> None:
    settings.settle_source(NOBODY)
    given = {"model_name_or_path": "-", "dataset": REPO, "model_source": NOBODY, key: served.url}
    config = load_train(values=given).config
    prepared = prepare(config.rows(), ChatTemplate.of(tiny_tokenizer()), 0)
    assert len(prepared.train) == 2
    assert prepared.notices == ()


@pytest.mark.parametrize("streaming", [False, True])
def test_training_tells_which_hub_served_where_one_failed(served: DatasetHub, streaming: bool) -> None:
    config = DataConfig(dataset=(REPO,), dataset_source=f"{NOBODY},{served.url}", streaming=streaming)
    for _ in range(2):  # the second time the tokens are at hand
        (told,) = prepare(config, ChatTemplate.of(tiny_tokenizer()), 0).notices
        assert told.key == "data.hub_next"
        assert told.values["hub"] == served.url
        assert told.values["failed"] == NOBODY


def test_a_training_asks_a_hub_once(served: DatasetHub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    names = HuggingFace.names

    def noted(hub: HuggingFace, place: HubPlace) -> list[str]:
        asked.append(hub.name)
        return names(hub, place)

    monkeypatch.setattr(HuggingFace, "names", noted)
    prepare(DataConfig(dataset=(REPO,)), ChatTemplate.of(tiny_tokenizer()), 0)
    assert asked == [served.url]


def test_commands_take_a_source_and_tell_which_hub_served(served: DatasetHub) -> None:
    both = f"{NOBODY},{served.url}"
    checked = call("data", "check", REPO, "--source", both, "--json")
    assert checked.code == 0, checked.all
    assert f"comes from {served.url}" in checked.err
    assert f"Getting hf://datasets/{REPO}" in checked.err
    assert call("data", "add", REPO, "--name", "mine", "--source", both).code == 0
    wrong = call("data", "check", REPO, "--source", "hf_mirror")
    assert wrong.code == 2
    assert "hf-mirror" in wrong.err


def test_the_client_library_shows_no_bars_of_its_own(served: DatasetHub, tmp_path: Path) -> None:
    place = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": served.url, "HF_HUB_OFFLINE": "0"}
    checked = spawn("data", "check", REPO, **place)
    assert checked.code == 0, checked.all
    assert checked.err == f"Getting hf://datasets/{REPO} …\n"


def test_a_config_with_a_source_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigErrors) as caught:
        load_train(values={"model_name_or_path": "-", "dataset": REPO, "dataset_source": "hf_mirror"})
    assert [problem.key for problem in caught.value.problems] == ["dataset_source"]


def test_a_hub_that_refuses_is_not_passed_over(served: DatasetHub) -> None:
    settings.settle_source(f"{served.url},{NOBODY}")
    served.refusal = (401, "GatedRepo")
    assert failing().key == "data.hub_gated"


def test_every_hub_that_failed_is_told(served: DatasetHub) -> None:
    settings.settle_source(f"{NOBODY},{served.url}")
    served.refusal = (503, "")
    error = failing()
    assert error.key == "data.hubs_failed"
    assert NOBODY in error.message
    assert served.url in error.message


def test_who_is_asked_for_what_and_who_gets_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    hf, ms = HubPlace("a/b"), HubPlace("c/d", hub="modelscope")

    def asked(setting: str, *places: HubPlace) -> list[tuple[str, str]]:
        return [(hub.name, place.repo) for hub, place in _attempts(Dataset("x", hubs=places, source=setting))]

    official, mirror = "https://huggingface.co", "https://hf-mirror.com"
    assert asked("auto", hf, ms) == [(official, "a/b"), (mirror, "a/b"), ("modelscope", "c/d")]
    assert asked("hf-mirror", hf, ms) == [(mirror, "a/b")]
    assert asked("modelscope", hf, ms) == [("modelscope", "c/d")]
    assert asked("modelscope", hf) == [(official, "a/b"), (mirror, "a/b")]
    assert asked("huggingface", ms) == [("modelscope", "c/d")]
    monkeypatch.setattr("conch.core.hubs.modelscope_is_installed", lambda: False)
    assert asked("auto", hf, ms) == [(official, "a/b"), (mirror, "a/b")]
    assert asked("auto", ms) == [("modelscope", "c/d")], "it says how to install it"
    monkeypatch.setenv("HF_ENDPOINT", "https://inside.example")
    assert asked("auto", hf, ms) == [("https://inside.example", "a/b")]
    assert asked("auto", ms) == [("modelscope", "c/d")]


def test_datasets_come_from_the_hubs_that_models_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    both = (HubPlace("a/b"), HubPlace("a/b", hub="modelscope"))
    for setting in ("auto", "hf-mirror,auto", "modelscope, huggingface", "https://a.example/"):
        tokens = Tokens("hf_secret", "ms_secret")
        dataset = Dataset("x", hubs=both, source=setting, tokens=tokens)
        sets = [(hub.endpoint, hub.token) for hub, _ in _attempts(dataset)]  # type: ignore[attr-defined]
        models = [(one.endpoint, one.token) for one in sources.named(setting, tokens, None)]  # type: ignore[attr-defined]
        assert sets == models, setting


# tokens


def test_the_tokens_of_a_config_reach_the_hub(served: DatasetHub) -> None:
    given = {"model_name_or_path": "-", "dataset": REPO, "hf_hub_token": "hf_secret", "ms_hub_token": "ms_x"}
    config = load_train(values=given).config
    datasets = Datasets(config.rows())
    opened = datasets.opened(REPO)
    assert served.tokens == {"hf_secret"}
    seen = repr(
        [config.rows(), config.rows().model_dump(), datasets.config, opened, list(_attempts(opened.dataset))]
    )
    assert "hf_secret" not in seen
    assert "ms_x" not in seen
    key = fingerprint(datasets, ChatTemplate.of(tiny_tokenizer()), "sft", 0)
    assert key == fingerprint(Datasets(config.data), ChatTemplate.of(tiny_tokenizer()), "sft", 0)
    assert "secret" not in repr(key)


def test_without_a_token_in_the_config_the_client_sends_its_own(
    served: DatasetHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "of_the_environment")
    rows()
    assert served.tokens == {"of_the_environment"}


# whose fault it is


@pytest.mark.parametrize("status", sorted(hubs.PASSING))
def test_a_hub_that_is_busy_is_passed_over(served: DatasetHub, tmp_path: Path, status: int) -> None:
    other = DatasetHub(REPO, dict(served.files))
    served.refusal = (status, "")
    with serving(other):
        settings.settle_source(f"{served.url},{other.url}")
        assert rows() == 2


def test_a_name_that_no_hub_takes(served: DatasetHub) -> None:
    with pytest.raises(DataError) as error:
        open_dataset(Dataset("x", hubs=(HubPlace("org/a--b..c"),)))
    assert error.value.key == "data.hub_no_repo"


def raised(error: Exception, monkeypatch: pytest.MonkeyPatch) -> BaseException:
    """What becomes of an error of the client library, where a second hub could be tried."""

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    settings.settle_source(f"{hubs.HUGGINGFACE},{NOBODY}")
    monkeypatch.setattr(HuggingFace, "names", lambda *_: ["a.jsonl"])
    with pytest.raises(type(error) if type(error) in (TypeError, KeyError) else DataError) as caught:
        rows()
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/blob"),
        PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/cache/blob"),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        RuntimeError("Data processing error: I/O error: No space left on device (os error 28)"),
        OSError("I/O error: No space left on device (os error 28)"),
    ],
    ids=repr,
)
def test_a_disk_is_no_hubs_fault(
    served: DatasetHub, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    told = raised(error, monkeypatch)
    assert isinstance(told, DataError)
    assert told.key == "data.hub_disk"
    assert os.strerror(getattr(error, "errno", None) or errno.ENOSPC) in told.message
    assert "HF_HUB_CACHE" in told.hint


@pytest.mark.parametrize("error", [TypeError("ours"), KeyError("ours")], ids=repr)
def test_a_mistake_is_no_hubs_fault(
    served: DatasetHub, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    assert raised(error, monkeypatch) is error


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "reset"),
        TimeoutError("slow"),
        RuntimeError("CAS service error"),
    ],
    ids=repr,
)
def test_what_the_network_does_is_passed_over(
    served: DatasetHub, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    told = raised(error, monkeypatch)
    assert isinstance(told, DataError)
    assert told.key in {"data.hubs_failed", "data.hub_unreachable"}


def test_a_page_that_is_no_answer_of_a_hub_is_passed_over(served: DatasetHub) -> None:
    served.page = b"<html>Log in</html>"
    assert failing().key == "data.hub_unreachable"


# ModelScope

needs_modelscope = pytest.mark.skipif(
    find_spec("modelscope_hub") is None, reason="modelscope is not installed (optional)"
)


@pytest.fixture
def scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scope]:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "ms-home"))
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "README.md").write_bytes(b"# A dataset")
    (folder / "train.jsonl").write_bytes(as_lines(ALPACA))
    (folder / "test.csv").write_bytes(as_csv([ROW]))
    (folder / "load.py").write_bytes(b"raise SystemExit")
    with scoping(Scope(REPO, folder, "datasets")) as served:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.url)
        yield served


def scope_rows(*places: HubPlace) -> int:
    opened = open_dataset(Dataset("x", hubs=places))
    return sum(isinstance(item, Row) for item in opened.items())


THERE = HubPlace(REPO, hub="modelscope")


@needs_modelscope
def test_a_dataset_of_modelscope_is_fetched_once(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scope_rows(THERE) == 2
    assert set(scope.begun) == {"README.md", "train.jsonl"}
    assert scope_rows(replace(THERE, revision="main")) == 2
    assert len(scope.begun["train.jsonl"]) == 1
    assert scope_rows(replace(THERE, split="test")) == 1
    assert "load.py" not in scope.begun
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", NOBODY)
    assert scope_rows(THERE) == 2


@needs_modelscope
def test_modelscope_is_tried_where_the_hub_cannot_be_reached(scope: Scope) -> None:
    places = (HubPlace("tiny-org/elsewhere"), THERE)
    opened = open_dataset(Dataset("x", hubs=places, source=f"{NOBODY},modelscope"))
    assert sum(isinstance(item, Row) for item in opened.items()) == 2


@needs_modelscope
@pytest.mark.parametrize("source", ["modelscope", f"{NOBODY},modelscope"])
def test_a_bare_id_is_looked_for_on_every_hub_that_is_asked(scope: Scope, source: str) -> None:
    config = DataConfig(dataset=(REPO,), dataset_source=source)
    told: list[Notice] = []
    assert len(open_dataset(asked_dataset(REPO, config), told=told.append).files) == 1
    assert [notice.values["hub"] for notice in told] == ([] if source == "modelscope" else ["modelscope"])


@needs_modelscope
def test_a_dataset_that_one_hub_lacks_comes_from_another(
    served: DatasetHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.refusal = (404, "RepoNotFound")
    monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "ms"))
    monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "ms-home"))
    folder = tmp_path / "on-modelscope"
    folder.mkdir()
    (folder / "train.jsonl").write_bytes(as_lines(ALPACA))
    with scoping(Scope(REPO, folder, "datasets")) as scope:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", scope.url)
        dataset = replace(find_dataset(REPO), source=f"{served.url},modelscope")
        assert len(open_dataset(dataset).files) == 1


@needs_modelscope
def test_a_bare_id_is_registered_as_on_every_hub(scope: Scope) -> None:
    assert call("data", "add", REPO, "--name", "mine", "--source", "modelscope").code == 0
    assert find_dataset("mine").hubs == find_dataset(REPO).hubs


@needs_modelscope
def test_a_dataset_that_modelscope_lacks(scope: Scope) -> None:
    with pytest.raises(DataError) as error:
        scope_rows(replace(THERE, repo="tiny-org/other"))
    assert error.value.key == "data.hub_no_repo"


@needs_modelscope
def test_modelscope_is_sent_its_own_token(scope: Scope) -> None:
    tokens = Tokens("hf_secret", "ms_secret")
    open_dataset(Dataset("x", hubs=(THERE,), tokens=tokens))
    assert scope.tokens == {"ms_secret"}


@needs_modelscope
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NetworkError", "data.hub_unreachable"),
        ("RateLimitError", "data.hub_unreachable"),
        ("CacheError", "data.hub_error"),
        ("AuthenticationError", "data.hub_gated"),
    ],
)
def test_what_modelscopes_library_raises(name: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    library = import_module("modelscope_hub.errors")
    with pytest.raises(DataError) as told, modelscope._refusals(import_module("modelscope_hub"), THERE):
        raise getattr(library, name)("it is so")
    assert told.value.key == key


@needs_modelscope
def test_a_disk_is_not_modelscopes_fault() -> None:
    library = import_module("modelscope_hub")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/cache/blob")
    broken = import_module("modelscope_hub.errors").FileDownloadError("some", failed_files={"a": full})
    for error in (full, broken):
        with pytest.raises(DataError) as told, modelscope._refusals(library, THERE):
            raise error
        assert told.value.key == "data.hub_disk"
    with pytest.raises(KeyError), modelscope._refusals(library, THERE):
        raise KeyError("ours")


@needs_modelscope
def test_a_dataset_of_modelscope_without_a_network(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError) as error:
        scope_rows(THERE)
    assert error.value.key == "data.hub_offline"


def test_without_modelscopes_library_it_says_how_to_get_it(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "modelscope_hub", None)
    assert not hubs.modelscope_is_installed()
    with pytest.raises(DataError) as error:
        scope_rows(THERE)
    assert error.value.key == "data.no_modelscope"
    assert "pip install modelscope" in error.value.hint
