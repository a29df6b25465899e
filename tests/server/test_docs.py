"""The docs page, the OpenAPI document, health, and what every answer carries."""

from __future__ import annotations

import re

from conch.core.text import tr
from conch.server.docs import HOME_WORDS, WORDS
from tests.server.scripted import client_of, scripted_chat, service_of

NAMED = {"title", "about", "models", "try", "model", "send", "stop", "calls", "docs"}
"""Words of the first page that stand in the element of their name."""
ROUTES = {
    "/generate",
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/models",
    "/v1/models/{name}",
    "/tokenize",
    "/detokenize",
    "/v1/load_lora_adapter",
    "/v1/unload_lora_adapter",
    "/metrics",
    "/health",
    "/health/live",
    "/health/ready",
}


def test_the_page_needs_nothing_from_elsewhere(client):
    answer = client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert not re.findall(r"(?:https?:)?//[a-z]", answer.text)
    assert not re.findall(r"\b(?:src|@import|url\()\b", answer.text)
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    assert "{{" not in answer.text


def test_the_page_holds_its_words_in_the_language_in_use(client, monkeypatch):
    english = client.get("/docs").text
    monkeypatch.setenv("CONCH_LANG", "zh")
    chinese = client.get("/docs").text
    assert '<html lang="en">' in english
    assert '<html lang="zh-CN">' in chinese
    for word in WORDS:
        assert tr(f"serving.docs.{word}") in chinese


def test_the_page_uses_no_other_words(client):
    page = client.get("/docs").text
    assert set(re.findall(r"\bwords\.([a-z]+)", page)) | {"field", "type", "default", "meaning"} == set(WORDS)


def test_the_first_page_needs_nothing_from_elsewhere(client, monkeypatch):
    english = client.get("/").text
    assert not re.findall(r"(?:src=|@import|url\()", english)
    assert not re.findall(r"https?://[a-z]", english)
    assert "{{" not in english
    assert set(re.findall(r"\bwords\.([a-z_]+)", english)) | NAMED == set(HOME_WORDS)
    for name in NAMED:
        assert f'id="{name}"' in english
    monkeypatch.setenv("CONCH_LANG", "zh")
    chinese = client.get("/").text
    for word in HOME_WORDS:
        assert tr(f"serving.home.{word}") in chinese


def test_every_route_is_described(client):
    document = client.get("/openapi.json").json()
    assert set(document["paths"]) == ROUTES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert operation["description"], path
            assert "4XX" in operation["responses"]
            assert "422" not in operation["responses"]
            if method == "post":
                example = operation["requestBody"]["content"]["application/json"]["example"]
                assert client.post(path, json=example).status_code == 200
            else:
                assert client.get(operation["x-example"]).status_code == 200


def test_every_field_of_a_request_is_described(client):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    for name in (
        "GenerateRequest",
        "ChatRequest",
        "CompletionRequest",
        "ChatMessage",
        "StreamOptions",
        "TokenizeRequest",
        "DetokenizeRequest",
        "LoadAdapterRequest",
        "UnloadAdapterRequest",
    ):
        for field, schema in schemas[name]["properties"].items():
            assert schema.get("description"), f"{name}.{field}"


def test_chinese_document(monkeypatch):
    monkeypatch.setenv("CONCH_LANG", "zh")
    document = client_of(service_of(scripted_chat())).get("/openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():
            assert re.search(r"[一-鿿]", operation["summary"])
            assert re.search(r"[一-鿿]", operation["description"])


def test_health(client):
    assert client.get("/health").json() == {"status": "ok", "models": ["base", "shop"]}
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}


def test_a_server_that_ends_is_not_ready():
    service = service_of(scripted_chat())
    with client_of(service) as client:
        assert client.get("/health/ready").status_code == 200
        service.close()
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200


def test_every_answer_has_a_request_id(client):
    first, second = client.get("/health"), client.get("/health")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert client.get("/health", headers={"x-request-id": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert client.get("/nothing", headers={"x-request-id": "a b\tc"}).headers["x-request-id"] != "a b\tc"
    assert client.post("/v1/chat/completions", json={}).headers["x-request-id"]
