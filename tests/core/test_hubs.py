"""What a setting of hubs means, for models and datasets alike."""

from __future__ import annotations

import pytest

from conch.core import hubs


@pytest.fixture(autouse=True)
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.setattr(hubs, "modelscope_is_installed", lambda: True)


def names(setting: str) -> list[str]:
    return [hub.name for hub in hubs.expand(setting)]


def test_names_urls_and_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names("auto") == list(hubs.NAMES)
    assert names("https://a.example/ , modelscope,auto") == ["https://a.example", "modelscope", *hubs.NAMES]
    monkeypatch.setattr(hubs, "modelscope_is_installed", lambda: False)
    assert names("auto") == ["huggingface", "hf-mirror"]
    assert names("modelscope") == ["modelscope"], "who names it is told how to install it"
    monkeypatch.setenv("HF_ENDPOINT", "https://inside.example/")
    assert names("auto") == ["https://inside.example"]


def test_a_mirror_that_nobody_named_gets_no_token() -> None:
    assert [hub.trusted for hub in hubs.expand("auto")] == [True, False, True]
    assert all(hub.trusted for hub in hubs.expand("hf-mirror,https://a.example"))


def test_the_usual_hubs_of_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [hub.name for hub in hubs.usual("huggingface")] == ["huggingface", "hf-mirror"]
    monkeypatch.setenv("HF_ENDPOINT", "https://inside.example")
    assert [hub.name for hub in hubs.usual("huggingface")] == ["https://inside.example"]
    assert [hub.name for hub in hubs.usual("modelscope")] == ["modelscope"]


def test_what_is_a_setting() -> None:
    for setting in ("auto", "huggingface, hf-mirror", "https://a.example/x,auto"):
        assert hubs.is_setting(setting)
    for setting in ("", "auto,", "nowhere", "ftp://a.example", "http://"):
        assert not hubs.is_setting(setting)


def test_tokens_are_not_shown() -> None:
    assert "secret" not in repr(hubs.Tokens("secret", "secret"))
