"""A client of a server that says the same thing to everybody."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.server.scripted import client_of, scripted_chat, service_of


@pytest.fixture
def client() -> TestClient:
    return client_of(service_of(scripted_chat(), scripted_chat("I serve burgers.")))
