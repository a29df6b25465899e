"""What Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.server.scripted import ANSWER, TEMPLATE, chat_body, client_of, prompt_of, scripted_chat, service_of

CHAT = "/v1/chat/completions"


def samples(client) -> dict:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_tokens_and_times_are_counted_by_model(client):
    for model in ("base", "base", "shop"):
        assert client.post(CHAT, json=chat_body(model=model, n=2)).status_code == 200
    client.post(CHAT, json=chat_body(model="no-such"))
    found = samples(client)
    assert found["conch_requests_total", "base", "finished"] == 2
    assert found["conch_requests_total", "finished", "shop"] == 1
    assert found["conch_prompt_tokens_total", "base"] == 2 * len(prompt_of("Who are you?"))
    assert found["conch_generated_tokens_total", "base"] == 4 * len(TEMPLATE.encode(ANSWER))
    assert found["conch_time_to_first_token_seconds_count", "base"] == 2
    assert found["conch_time_per_token_seconds_count", "base"] == 4
    assert found["conch_requests_running",] == found["conch_requests_waiting",] == 0
    assert not [key for key in found if "no-such" in key]


def test_requests_that_fail_are_counted_so():
    client = client_of(service_of(scripted_chat(context_length=20)))
    client.post(CHAT, json=chat_body("x" * 100))
    assert samples(client)["conch_requests_total", "base", "failed"] == 1
