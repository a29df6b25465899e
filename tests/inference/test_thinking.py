"""The switch for thoughts, from a server's config or a chat's option down to the prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from conch.config.model import ModelConfig
from conch.config.serve import ServeConfig
from conch.core.conversation import Message
from conch.inference.chat import Chat
from conch.inference.engine import Sampling
from conch.inference.open import open_chat
from conch.models.load import load
from tests.data.families import DEEPSEEK_R1, QWEN3
from tests.tiny import save_tiny

ASKED = [Message("user", "It broke.")]
EMPTY = "<think>\n\n</think>\n\n"


def prompt(chat: Chat) -> str:
    request = chat.request(ASKED, Sampling(4))
    return str(chat.template.tokenizer.decode(list(request.prompt)))


@pytest.mark.parametrize("template", [QWEN3, DEEPSEEK_R1], ids=["qwen3", "r1"])
def test_a_chat_without_thoughts_is_given_an_empty_one(tmp_path: Path, template: str) -> None:
    loaded = load(ModelConfig(model_name_or_path=str(save_tiny(tmp_path / "m", template=template))))
    assert prompt(open_chat(loaded, thinking=False)).endswith(EMPTY)
    assert not prompt(open_chat(loaded)).endswith(EMPTY)
    assert prompt(open_chat(loaded, thinking=True)) == prompt(open_chat(loaded))


def test_a_server_passes_it_on(tmp_path: Path) -> None:
    from conch.server.loading import open_service

    folder = str(save_tiny(tmp_path / "m", template=QWEN3))
    config = ServeConfig(model=folder, name="m", enable_thinking=False)
    service = open_service(config, lambda _: None)
    assert prompt(service.model("m").chat).endswith(EMPTY)
