"""Which sources there are, which is tried first, and who is sent the token."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config import load_train, settings
from conch.config.model import MODEL_SOURCES, ModelConfig
from conch.core import hubs
from conch.core.errors import ConfigErrors, ModelError, UsageError
from conch.core.hubs import Tokens
from conch.models import sources
from conch.models.connection import retry_after
from conch.models.hub.huggingface import HuggingFace
from conch.models.hub.modelscope import ModelScope
from conch.models.locate import Request
from conch.models.patience import Patience, settled_patience
from conch.models.source import Source
from conch.models.wish import Wish
from tests.models.hub_server import Hub, serving


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr(hubs, "modelscope_is_installed", lambda: True)


def names(setting: str) -> list[str]:
    return [source.name for source in sources.named(setting, Tokens(), None)]


def token_of(setting: str, name: str) -> object:
    known = sources.named(setting, Tokens("hf_t", "ms_t"), None)
    found = next(source for source in known if source.name == name)
    assert isinstance(found, HuggingFace | ModelScope)
    return found.token


def test_the_table_and_the_config_know_the_same_names() -> None:
    assert ("auto", *hubs.NAMES) == MODEL_SOURCES
    assert {hub.kind for hub in hubs.expand("auto")} == set(sources.SOURCES) == set(hubs.SHORT)


def test_what_settings_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names("auto") == ["huggingface", "hf-mirror", "modelscope"]
    assert names("hf-mirror") == ["hf-mirror"]
    assert names("https://a.example/, huggingface") == ["https://a.example", "huggingface"]
    monkeypatch.setattr(hubs, "modelscope_is_installed", lambda: False)
    assert names("auto") == ["huggingface", "hf-mirror"]
    assert names("modelscope") == ["modelscope"]


def test_an_endpoint_of_the_users_own_is_gone_to_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://inside.example/")
    assert names("auto") == ["https://inside.example"]
    (official,) = sources.named("huggingface", Tokens(), None)
    assert isinstance(official, HuggingFace)
    assert official.endpoint == "https://huggingface.co"


def test_a_token_goes_to_the_hub_and_to_mirrors_that_the_user_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert token_of("auto", "huggingface") == "hf_t"
    assert token_of("auto", "hf-mirror") is False
    assert token_of("hf-mirror", "hf-mirror") == "hf_t"
    assert token_of("https://a.example", "https://a.example") == "hf_t"


def test_modelscope_has_a_token_of_its_own() -> None:
    assert token_of("auto", "modelscope") == "ms_t"
    assert token_of("modelscope", "modelscope") == "ms_t"


def test_the_tokens_of_a_config_are_handed_on_and_never_shown() -> None:
    config = ModelConfig(model_name_or_path="a/b", hf_hub_token="hf_secret", ms_hub_token="ms_secret")
    wish = Request.of(config).wish()
    assert wish.tokens == Tokens("hf_secret", "ms_secret")
    assert config.secrets() == {"HF_TOKEN": "hf_secret", "MODELSCOPE_API_TOKEN": "ms_secret"}
    assert "secret" not in repr([config, wish, sources.named("auto", wish.tokens, None)])


def test_those_that_answer_are_ranked_by_speed(tmp_path: Path) -> None:
    def source(name: str) -> Source:
        return HuggingFace(name, "http://127.0.0.1:9", tmp_path)

    three = [source("a"), source("b"), source("c")]
    assert [s.name for s in sources.ranked(three, {"a": 0.3, "b": None, "c": 0.1})] == ["c", "a"]


def test_a_probe_asks_all_at_once_and_waits_for_none_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with serving(Hub("a/b", tmp_path)) as quick, serving(Hub("a/b", tmp_path)) as silent:
        silent.silent = True
        asked = [HuggingFace(hub.url, hub.url, tmp_path) for hub in (quick, silent, silent)]
        began = time.monotonic()
        found = sources.probe([*asked, HuggingFace("gone", "http://127.0.0.1:9", tmp_path)], 0.4)
        assert time.monotonic() - began < 1.2
    assert found[quick.url] is not None
    assert found[silent.url] is None
    assert found["gone"] is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0)],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, now=lambda: 1445412420.0) == seconds


# settings


def test_a_settled_source_is_kept_beside_what_was_there(home: Path) -> None:
    assert settings.default_source() == "auto"
    home.mkdir()
    (home / "settings.yaml").write_text("download: {stall: 7}\nother: 1\n")
    settings.settle_source("hf-mirror")
    assert settings.default_source() == "hf-mirror"
    assert settings.read_settings() == {"download": {"stall": 7}, "other": 1, "model_source": "hf-mirror"}
    assert settled_patience() == Patience(stall=7.0)


def test_a_source_that_is_none_is_refused(home: Path) -> None:
    for wrong in ("nowhere", "ftp://a.example", "auto,", "http://"):
        with pytest.raises(UsageError):
            settings.settle_source(wrong)
    assert not home.exists()


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "{",
        "download: {stal: 1}",
        "download: {stall: x}",
        "download: {stall: -1}",
        "download: {tries: 0}",
        *(
            f"download: {{{name}: {value}}}"
            for name in ("stall", "slow", "tries")
            for value in (".inf", "-.inf", ".nan")
        ),
    ],
)
def test_settings_that_make_no_sense_are_told(home: Path, text: str) -> None:
    home.mkdir()
    (home / "settings.yaml").write_text(text)
    with pytest.raises(ModelError) as caught:
        settled_patience()
    assert caught.value.key == "models.bad_settings"


def test_the_config_beats_what_is_settled(home: Path) -> None:
    settings.settle_source("modelscope")
    assert Wish("a/b").setting() == "modelscope"
    config = ModelConfig(model_name_or_path="a/b", model_source="hf-mirror")
    assert Request.of(config).wish().setting() == "hf-mirror"


def test_the_config_refuses_a_source_that_is_none() -> None:
    values = {"model_name_or_path": "a/b", "dataset": "magic_conch"}
    assert load_train(values={**values, "model_source": "http://a.example"}).config.model.model_source
    with pytest.raises(ConfigErrors) as caught:
        load_train(values={**values, "model_source": "hf_mirror"})
    assert caught.value.problems[0].key == "model_source"
