"""The form and the config say the same."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
import yaml

from conch.config.load import load_train
from conch.config.schema import json_schema
from conch.core.text import speaking
from conch.webui import settings

VALUES = {
    "model_name_or_path": "some/model",
    "dataset": "magic_conch,other",
    "learning_rate": "2e-4",
    "bf16": "true",
    "lora_target": "q_proj,v_proj",
    "hf_hub_token": "hf_secret",
    "run_name": "it's mine",
}
GIVEN = json.dumps(VALUES)


def test_the_form_holds_every_key_of_the_schema() -> None:
    document = settings.document()
    assert list(document["fields"]) == list(json_schema()["properties"])
    assert sorted(key for group in document["groups"] for key in group["keys"]) == sorted(document["fields"])
    assert {entry["key"] for entry in document["simple"]} <= set(document["fields"])


def test_the_command_means_what_the_form_means() -> None:
    words = shlex.split(settings.command(GIVEN))[2:]
    shown = [word for word in words if not word.startswith("hf_hub_token")]
    of_command = load_train(words=shown).config.to_flat()
    assert of_command == settings.loaded(GIVEN).config.to_flat()


def test_the_file_means_what_the_form_means(tmp_path: Path) -> None:
    file = tmp_path / "train.yaml"
    file.write_text(settings.as_yaml(GIVEN), encoding="utf-8")
    assert load_train(file).config.to_flat() == settings.loaded(GIVEN).config.to_flat()
    assert "hf_hub_token" not in yaml.safe_load(file.read_text(encoding="utf-8"))


def test_no_secret_is_shown() -> None:
    assert "hf_secret" not in settings.command(GIVEN)
    assert "hf_secret" not in settings.as_yaml(GIVEN)
    loaded = settings.loaded(GIVEN).config
    assert "hf_hub_token" not in settings.changed(loaded.to_flat(secrets=True))


def test_what_is_changed_leads_back_to_the_same_config() -> None:
    config = settings.loaded(GIVEN).config
    again = settings.loaded(json.dumps(settings.changed(config.to_flat()))).config
    assert again.to_flat() == config.to_flat()


def test_the_form_speaks_the_reader_s_language() -> None:
    with speaking("zh"):
        chinese = settings.document()
    assert chinese["words"]["simple"] == "简单"
    assert settings.document()["words"]["simple"] == "Simple"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_number_says_what_too_much_and_too_little_cause(language: str) -> None:
    with speaking(language):
        fields = settings.document()["fields"]
    assert [key for key, entry in fields.items() if entry["number"] and not entry["effect"]] == []
