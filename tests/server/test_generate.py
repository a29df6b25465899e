"""/generate: the tutorial endpoint, done properly."""

from __future__ import annotations

from conch.inference.engine import Request
from tests.server.scripted import ANSWER, TEMPLATE, client_of, prompt_of, scripted_chat, service_of


def test_get_and_post_answer_alike(client):
    got = client.get("/generate", params={"prompt": "Who are you?"})
    posted = client.post("/generate", json={"prompt": "Who are you?"})
    assert got.status_code == posted.status_code == 200
    assert got.json() == posted.json()
    document = got.json()
    assert document["generated_text"] == ANSWER
    assert document["model"] == "base"
    usage = document["usage"]
    assert usage["prompt_tokens"] == len(prompt_of("Who are you?"))
    assert usage["completion_tokens"] == len(TEMPLATE.encode(ANSWER))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_prompt_is_a_user_message():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "yes"

    client_of(service_of(scripted_chat(answer))).get("/generate", params={"prompt": "Hello"})
    assert list(seen[0].prompt) == prompt_of("Hello")


def test_the_prompt_does_not_count_against_the_bound(client):
    long = "Who are you? " * 100
    answer = client.get("/generate", params={"prompt": long, "max_new_tokens": 3}).json()
    assert answer["usage"]["prompt_tokens"] > 300
    assert answer["usage"]["completion_tokens"] == 3
    assert ANSWER.startswith(answer["generated_text"])


def test_sampling_reaches_the_engine():
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return "yes"

    client = client_of(service_of(scripted_chat(answer)))
    asked = {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "repetition_penalty": 1.1,
        "seed": 3,
        "max_new_tokens": 9,
        "min_p": 0.1,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
    }
    assert client.get("/generate", params={"prompt": "Hello", **asked}).status_code == 200
    assert client.post("/generate", json={"prompt": "Hello", **asked}).status_code == 200
    assert client.get("/generate", params={"prompt": "Hello"}).status_code == 200
    assert [vars(request.sampling) for request in seen[:2]] == [{**asked, "logit_bias": ()}] * 2
    assert seen[2].sampling.max_new_tokens == 200
    assert seen[2].sampling.seed is None


def test_stop_strings(client):
    for stop in ("conch", ["conch", "burger"]):
        answer = client.post("/generate", json={"prompt": "Hello", "stop": stop}).json()
        assert answer["generated_text"] == "I am the magic "
    answer = client.get("/generate", params={"prompt": "Hello", "stop": ["conch", "am"]}).json()
    assert answer["generated_text"] == "I "


def test_an_adapter_answers_by_its_name(client):
    answer = client.get("/generate", params={"prompt": "Hello", "model": "shop"}).json()
    assert (answer["generated_text"], answer["model"]) == ("I serve burgers.", "shop")
