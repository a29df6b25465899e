"""A gateway before three real servers: keys, models, streams, clients that leave, hosts that die.

The servers are processes of their own, which a test kills as a machine would lose power.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ClassVar

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from conch.config.serve import ServeConfig
from conch.server.fleet import fleet as fleets
from conch.server.fleet import forward
from conch.server.fleet.fleet import Fleet
from conch.server.fleet.run import create_gateway
from conch.server.fleet.upstream import Upstream
from conch.server.run import Server, listening
from tests.server.fleet.host import Host
from tests.server.scripted import chat_body
from tests.server.test_service import wait_until

CHAT = "/v1/chat/completions"
KEY = {"authorization": "Bearer gateway-secret"}
PAUSE = 0.01


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Host]]:
    made = [Host(name, port, PAUSE) for name, port in zip("abc", free_ports(3), strict=True)]
    for host in made:
        host.wait()
    yield made
    for host in made:
        host.kill()


@contextmanager
def gateway(urls: list[str], **settings) -> Iterator[tuple[str, Fleet]]:
    config = ServeConfig(upstream=tuple(urls), api_key="gateway-secret", **settings)
    fleet = Fleet(config, lambda _: None)
    ready = threading.Event()
    server = Server(create_gateway(fleet, config, ready.set), fleet)
    with listening("127.0.0.1", 0) as taken:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
        thread.start()
        assert ready.wait(30)
        try:
            yield f"http://127.0.0.1:{taken.getsockname()[1]}", fleet
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def opened(hosts: list[Host], monkeypatch) -> Iterator[tuple[str, Fleet]]:
    monkeypatch.setattr(fleets, "LOOK_SECONDS", 0.2)
    monkeypatch.setenv("CONCH_UPSTREAM_KEY", "upstream-secret")
    for host in hosts:
        if host.process.poll() is not None:
            host.start()
        host.wait()
    with gateway([host.url for host in hosts], max_concurrent_requests=100) as told:
        wait_until(lambda: all(upstream.up for upstream in told[1].upstreams), 20)
        yield told


def ask(url: str, text: str, **more) -> httpx.Response:
    return httpx.post(f"{url}{CHAT}", json=chat_body(text, **more), headers=KEY, timeout=300, trust_env=False)


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][0]["message"]["content"]


def samples(url: str) -> dict:
    text = httpx.get(f"{url}/metrics", headers=KEY, trust_env=False).text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counted(count: int) -> str:
    return " ".join(map(str, range(1, count + 1)))


def test_openais_client_runs_unchanged(opened):
    url, _ = opened
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="gateway-secret", max_retries=0)
    assert [model.id for model in client.models.list()] == ["base", "only-a", "only-b", "only-c"]
    assert client.models.retrieve("only-b").id == "only-b"
    turns = [{"role": "user", "content": "count to 5"}]
    answer = client.chat.completions.create(model="base", messages=turns)
    assert answer.choices[0].message.content == counted(5)
    assert answer.usage.completion_tokens > 0
    stream = client.chat.completions.create(
        model="base", messages=turns, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == counted(5)
    assert chunks[-1].usage.completion_tokens > 0
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=turns)
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="base", messages=[])
    assert refused.value.param == "messages"
    stranger = openai.OpenAI(base_url=f"{url}/v1", api_key="upstream-secret", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    text = client.completions.create(model="base", prompt="count to 4", stream=True)
    assert "".join(chunk.choices[0].text for chunk in text) == counted(4)


def test_a_model_is_asked_for_where_it_is(opened):
    url, _ = opened
    for name in "abc":
        for turn in range(4):
            assert said(ask(url, f"{turn}: who?", model=f"only-{name}")) == f"I am {name}."


def test_every_route_is_kept_by_the_gateways_key(opened):
    url, _ = opened
    for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("GET", "/metrics"), ("POST", "/tokenize")):
        assert httpx.request(method, f"{url}{path}", trust_env=False).status_code == 401
    assert httpx.get(f"{url}/health", trust_env=False).json() == {
        "status": "ok",
        "models": ["base", "only-a", "only-b", "only-c"],
        "upstreams": {"up": 3, "all": 3},
    }


def test_other_routes(opened):
    url, _ = opened
    client = httpx.Client(base_url=url, headers=KEY, trust_env=False)
    told = client.get("/generate", params={"prompt": "count to 3"}).json()
    assert told["generated_text"] == counted(3)
    assert client.post("/generate", json={"prompt": "count to 3"}).json()["generated_text"] == counted(3)
    tokens = client.post("/tokenize", json={"prompt": "hello"}).json()["tokens"]
    assert client.post("/detokenize", json={"tokens": tokens}).json()["prompt"] == "hello"
    assert client.post("/v1/load_lora_adapter", json={}).status_code == 501
    assert client.get("/docs").status_code == 200
    assert set(client.get("/openapi.json").json()["paths"]) >= {CHAT, "/generate", "/metrics"}
    assert client.get("/health/live").status_code == client.get("/health/ready").status_code == 200
    named = client.post(CHAT, json=chat_body(), headers={"x-request-id": "my-id"})
    assert named.headers["x-request-id"] == "my-id"


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"[" * 100_000])
def test_a_body_that_is_no_object(opened, body):
    url, _ = opened
    answer = httpx.post(f"{url}{CHAT}", content=body, headers=KEY, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_json"


def test_a_body_that_is_too_large(opened):
    url, _ = opened
    answer = ask(url, "x" * (9 * 1024 * 1024))
    assert answer.status_code == 413


def test_streams_are_passed_on_as_they_come(opened):
    url, _ = opened
    begun, times = time.monotonic(), []
    with httpx.stream(
        "POST",
        f"{url}{CHAT}",
        json=chat_body("count to 100", stream=True),
        headers=KEY,
        timeout=60,
        trust_env=False,
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        times += [time.monotonic() - begun for line in answer.iter_lines() if line]
    assert len(times) > 100
    assert times[5] < times[-1] / 2


def test_a_conversation_stays_with_one_server(opened):
    """Each turn of it, whatever comes after the first; and conversations are spread over all servers."""
    url, _ = opened
    spread = Counter()
    for number in range(24):
        turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": f"I am {number}."}]
        names = set()
        for _ in range(3):
            name = said(ask(url, "", messages=turns))
            names.add(name)
            turns += [{"role": "assistant", "content": name}, {"role": "user", "content": "And?"}]
        assert len(names) == 1, names
        spread[name] += 1
    assert len(spread) == 3
    assert min(spread.values()) >= 2


def test_load_overrides_the_place_of_a_conversation(opened):
    url, fleet = opened
    home = said(ask(url, "Same beginning."))
    same = chat_body("Same beginning.")
    with ThreadPoolExecutor(18) as pool:
        answers = list(pool.map(lambda _: said(ask(url, "", messages=same["messages"])), range(60)))
    spread = Counter(answers)
    assert len(spread) == 3, spread
    assert spread[home] == max(spread.values())
    assert all(upstream.in_hand == 0 for upstream in fleet.upstreams)


def test_a_client_that_leaves_ends_the_work_behind_the_gateway(opened, hosts):
    url, fleet = opened
    for stream in (True, False):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{url}{CHAT}",
                json=chat_body("count to 500", stream=stream),
                headers=KEY,
                timeout=httpx.Timeout(10, read=0.005 if stream else 0.5),
                trust_env=False,
            )
        wait_until(lambda: fleet.in_hand == 0 and sum(host.running for host in hosts) == 0, 10)
    assert sum(upstream.in_hand for upstream in fleet.upstreams) == 0


def test_more_than_the_bound_are_sent_away(hosts, monkeypatch):
    monkeypatch.setenv("CONCH_UPSTREAM_KEY", "upstream-secret")
    hosts[0].wait()
    with gateway([hosts[0].url], max_concurrent_requests=3) as (url, _):
        with ThreadPoolExecutor(9) as pool:
            answers = list(pool.map(lambda _: ask(url, "count to 60"), range(9)))
        codes = Counter(answer.status_code for answer in answers)
        assert set(codes) == {200, 429}
        assert codes[200] >= 3
        busy = next(answer for answer in answers if answer.status_code == 429)
        assert busy.headers["retry-after"]
        assert samples(url)["conch_gateway_refused_total",] == codes[429]


def test_an_answer_that_takes_too_long(hosts, monkeypatch):
    monkeypatch.setenv("CONCH_UPSTREAM_KEY", "upstream-secret")
    with gateway([hosts[0].url], request_seconds=0.5) as (url, fleet):
        answer = ask(url, "count to 500")
        assert answer.status_code == 504
        streamed = ask(url, "count to 500", stream=True)
        assert streamed.status_code == 200
        last = streamed.text.strip().split("\n\n")[-2:]
        assert json.loads(last[0].removeprefix("data: "))["error"]["code"] == "timeout"
        assert last[1] == "data: [DONE]"
        wait_until(lambda: fleet.upstreams[0].in_hand == 0 and hosts[0].running == 0, 10)


def test_without_the_upstreams_key_nothing_is_up_and_the_key_is_told_to_nobody(hosts, tmp_path):
    with gateway([hosts[0].url]) as (url, fleet):
        answer = ask(url, "Hi")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert fleet.upstreams[0].reason == "HTTP 401"
        assert httpx.get(f"{url}/health", trust_env=False).status_code == 503
    file = tmp_path / "key"
    file.write_text("upstream-secret\n")
    with gateway([f"{hosts[0].url}/v1/"], upstream_key_file=str(file)) as (url, fleet):
        assert ask(url, "Hi").status_code == 200
        assert "upstream-secret" not in repr(vars(fleet.upstreams[0])).replace(
            "'_key': 'upstream-secret'", ""
        )


class Client(threading.Thread):
    """Asks again and again, and keeps what went wrong, and how streams ended."""

    def __init__(self, url: str, number: int, end: threading.Event) -> None:
        super().__init__()
        self.url, self.number, self.end = url, number, end
        self.streams = bool(number % 2)
        self.whole = self.cut = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        turn = 0
        while not self.end.is_set():
            turn += 1
            count = 30 + (self.number * 7 + turn) % 40
            text = f"{self.number} {turn}: count to {count}"
            try:
                (self.stream if self.streams else self.plain)(text, counted(count))
            except Exception as error:
                self.wrong.append(repr(error))

    def plain(self, text: str, expected: str, **more) -> None:
        answer = ask(self.url, text, **more)
        if answer.status_code != 200:
            self.wrong.append(answer.text)
        elif said(answer) != expected:
            self.wrong.append(f"{said(answer)!r} instead of {expected!r}")
        else:
            self.whole += 1

    def stream(self, text: str, expected: str, **more) -> None:
        answer = ask(self.url, text, stream=True, **more)
        if answer.status_code != 200:
            self.wrong.append(answer.text)
            return
        *documents, done = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
        events = [json.loads(line) for line in documents if not line.startswith(":")]
        parts = [event["choices"][0]["delta"].get("content") or "" for event in events if "choices" in event]
        got = "".join(parts)
        if done != "[DONE]":
            self.wrong.append(f"ended with {done}")
        elif "error" in events[-1]:
            if events[-1]["error"]["code"] != "upstream_lost" or not expected.startswith(got):
                self.wrong.append(answer.text)
            if not got and len(events) == 1:
                self.wrong.append("cut before it had begun")
            self.cut += 1
        elif got != expected:
            self.wrong.append(f"{got!r} instead of {expected!r}")
        else:
            self.whole += 1


LONG = f"count to {(LAST := 200)}"
"""Takes a host seven seconds and more, so that it is still at it when it is killed."""


class Watched(forward.Attempt):
    """What is in hand, and whether anything of it was passed on."""

    all: ClassVar[set[Watched]] = set()

    def __init__(self, fleet: Fleet, upstream: Upstream, asked: forward.Asked) -> None:
        super().__init__(fleet, upstream, asked)
        self.model, self.is_long = asked.model, LONG.encode() in asked.body
        self.begun = False
        self.all.add(self)

    async def next(self) -> bytes:
        piece = await super().next()
        self.begun = self.begun or b"data:" in piece
        return piece

    async def close(self, outcome=None) -> None:
        self.all.discard(self)
        await super().close(outcome)

    @classmethod
    def long(cls, model: str) -> list[Watched]:
        return [each for each in cls.all.copy() if each.is_long and each.model == model]


def give_long_work(
    pool: ThreadPoolExecutor, client: Client, victim: Host, upstream: Upstream
) -> list[Future]:
    """Until the host is in the middle of a long stream, and has a long answer to give that has not begun."""
    alone, expected = f"only-{victim.name}", counted(LAST)
    given = [pool.submit(client.stream, LONG, expected, model=alone)]
    wait_until(lambda: any(each.begun for each in Watched.long(alone)), 60)
    while not any(each.upstream is upstream for each in Watched.long("base")):
        there = len(Watched.long("base"))
        last = pool.submit(client.plain, f"{victim.name} {len(given)}: {LONG}", expected)
        given.append(last)
        wait_until(lambda there=there, last=last: len(Watched.long("base")) > there or last.done(), 60)
    return given


@pytest.mark.parametrize("rounds", [2])
def test_a_host_that_is_killed_under_load(opened, hosts, rounds, proofs, monkeypatch):
    """kill -9 in the middle of it: whoever had no answer yet gets one, cut streams say so, it comes back."""
    monkeypatch.setattr(forward, "Attempt", Watched)
    url, fleet = opened
    end = threading.Event()
    clients = [Client(url, number, end) for number in range(16)]
    for client in clients:
        client.start()
    patient, given = Client(url, 17, end), []
    pool = ThreadPoolExecutor(50)
    try:
        for number in range(rounds):
            victim, upstream = hosts[number], fleet.upstreams[number]
            time.sleep(2)
            given += give_long_work(pool, patient, victim, upstream)
            wait_until(lambda upstream=upstream: upstream.in_hand > 3, 60)
            victim.kill()
            wait_until(lambda upstream=upstream: not upstream.up, 60)
            time.sleep(1)
            victim.start()
            wait_until(lambda upstream=upstream: upstream.up and upstream.in_hand > 0, 300)
    finally:
        end.set()
        for client in clients:
            client.join(300)
        pool.shutdown()
    assert [each.exception() for each in given if each.exception()] == []
    clients.append(patient)
    assert [client.wrong for client in clients if client.wrong] == []
    whole, cut = sum(client.whole for client in clients), sum(client.cut for client in clients)
    assert whole > 50
    assert cut >= rounds
    assert not any(client.cut for client in clients if not client.streams)
    told = samples(url)
    lost = sum(value for key, value in told.items() if "lost" in key and key[0].endswith("_total"))
    assert lost > cut, "some were lost before they had begun, and answered elsewhere"
    wait_until(lambda: sum(host.running for host in hosts) == 0, 60)
    proofs.tell(
        "a server behind the gateway killed under load: no request fails that had not begun to be answered, "
        "cut streams end with an error event, and the server is taken back",
        f"{rounds} kills, 17 clients, {whole} whole answers, {cut} cut streams, {lost:.0f} requests lost",
    )
