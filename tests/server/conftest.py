"""A client of a server that says the same thing to everybody."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.server.scripted import client_of, scripted_chat, service_of


@pytest.fixture
def client() -> TestClient:
    return client_of(service_of(scripted_chat(), scripted_chat("I serve burgers.")))


@pytest.fixture(scope="session")
def adapter(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter that changes what the model says."""
    import torch
    from peft import LoraConfig, get_peft_model

    from tests.tiny import tiny_model

    torch.manual_seed(1)
    model = get_peft_model(
        tiny_model(), LoraConfig(target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    )
    folder = tmp_path_factory.mktemp("adapter") / "shop"
    model.peft_config["default"].base_model_name_or_path = str(tiny_folder)
    model.save_pretrained(folder)
    return folder
