"""Each way of telling, against a server on the loopback; and that secrets stay where they belong."""

from __future__ import annotations

import email
import email.policy
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from conch import submit
from conch.config import load_train
from conch.core import text
from conch.core.errors import UsageError
from conch.runs import Run
from conch.runs.notify import Message, keep, message_of, notify, resolve
from conch.runs.notify.channels import dingtalk, feishu
from conch.runs.notify.settings import HOSTS, NEEDED, settings_file
from tests.cli.made_up import made_up_run
from tests.runs.notify.servers import post_office, robot

OLD = "20250101-000000-aaaa"
HELLO = Message("Title 标题", "first\nsecond 海螺", {"run": OLD, "loss": 0.5})


def settings(**entries: dict[str, Any]) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")


# channels


def test_a_webhook_gets_the_facts() -> None:
    with robot(answer="thanks") as server:
        assert notify([server.url], HELLO) == {}
    assert server.bodies == [{"title": HELLO.title, "text": HELLO.text, "run": OLD, "loss": 0.5}]


@pytest.mark.parametrize("kind", ["dingtalk", "wecom"])
def test_robots_with_a_text(kind: str) -> None:
    with robot() as server:
        settings(me={"kind": kind, "url": server.url})
        assert notify(["me"], HELLO) == {}
    assert server.bodies == [{"msgtype": "text", "text": {"content": HELLO.whole}}]
    assert server.paths == ["/robot?access_token=SECRET-TOKEN"]


def test_feishu_is_signed_in_the_body() -> None:
    with robot() as server:
        settings(me={"kind": "feishu", "url": server.url, "secret": "s"})
        assert notify(["me"], HELLO) == {}
    (body,) = server.bodies
    assert body["content"] == {"text": HELLO.whole}
    assert body["sign"] == feishu.signature("s", body["timestamp"])
    assert abs(time.time() - int(body["timestamp"])) < 60, "seconds"


def test_dingtalk_is_signed_in_the_address() -> None:
    with robot() as server:
        settings(me={"kind": "dingtalk", "url": server.url, "secret": "SECabc"})
        assert notify(["me"], HELLO) == {}
    query = parse_qs(urlsplit(server.paths[0]).query)
    assert query["access_token"] == ["SECRET-TOKEN"]
    assert query["sign"] == [dingtalk.signature("SECabc", query["timestamp"][0])]
    assert abs(time.time() - int(query["timestamp"][0]) / 1000) < 60, "milliseconds"


def test_signatures_are_those_of_the_guides() -> None:
    """HMAC-SHA256 computed apart, with openssl."""
    assert dingtalk.signature("this is secret", "1700000000000") == (
        "sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0="
    )
    assert feishu.signature("demo", "1599360473") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


def test_mail_arrives() -> None:
    with post_office() as post:
        entry = {"kind": "mail", "host": "127.0.0.1", "port": post.port, "security": "none"}
        settings(me={**entry, "user": "u@x.org", "password": "p", "to": "a@x.org, b@x.org"})
        assert notify(["me"], HELLO) == {}
    assert post.commands[1].startswith("AUTH PLAIN")
    mail = email.message_from_bytes(post.mail.encode(), policy=email.policy.default)
    assert mail["Subject"] == HELLO.title
    assert mail["From"] == "u@x.org"
    assert [word for word in post.commands if word.startswith("rcpt")] == [
        "rcpt TO:<a@x.org>",
        "rcpt TO:<b@x.org>",
    ]
    assert mail.get_content().replace("\r\n", "\n").strip() == HELLO.text


# failures


@pytest.mark.parametrize("kind", ["feishu", "dingtalk", "wecom"])
def test_a_robot_that_refuses_is_a_failure_although_it_says_200(kind: str) -> None:
    with robot(answer={"errcode": 310000, "code": 19001, "errmsg": "bad sign", "msg": "bad sign"}) as server:
        settings(me={"kind": kind, "url": server.url})
        assert "bad sign" in notify(["me"], HELLO)["me"]


def test_failures_are_told_without_secrets_and_stop_nobody_else() -> None:
    with robot(status=500) as broken, robot() as whole:
        settings(
            bad={"kind": "webhook", "url": broken.url},
            odd={"kind": "webhook", "url": "http://[SECRET-TOKEN"},
            mail={"kind": "mail", "host": "127.0.0.1", "port": 1, "to": "x", "password": "SECRET-TOKEN"},
            good={"kind": "webhook", "url": whole.url},
        )
        failed = notify(["bad", "odd", "mail", "good"], HELLO)
    assert set(failed) == {"bad", "odd", "mail"}
    assert "500" in failed["bad"]
    assert "SECRET-TOKEN" not in str(failed)
    assert len(whole.bodies) == 1


def test_who_does_not_answer_is_not_waited_for() -> None:
    """For an hour, which would be longer than a test may take."""
    with robot(delay=3600) as server:
        assert notify([server.url], HELLO, patience=0.5)


# settings


def test_addresses_are_kept_out_of_the_run(home: Path) -> None:
    url = "https://oapi.dingtalk.com/robot/send?access_token=SECRET-TOKEN"
    names = keep([url, "me"])
    assert names[0].startswith("oapi.dingtalk.com-")
    assert names[1] == "me"
    assert resolve(names[:1]) == {names[0]: {"kind": "dingtalk", "url": url}}
    assert stat.S_IMODE(settings_file().stat().st_mode) == 0o600
    assert keep([url]) == names[:1], "the same address has the same name"
    assert keep(["me"]) == ("me",)


@pytest.mark.parametrize("host", HOSTS)
def test_known_hosts_are_recognised(host: str) -> None:
    url = f"https://{host}/x"
    (entry,) = resolve([url]).values()
    assert entry["kind"] == HOSTS[host]
    settings(me={"url": url})
    assert resolve(["me"])["me"]["kind"] == HOSTS[host]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("", "notify.unknown"),
        ("me: {kind: pigeon}", "notify.unknown_kind"),
        ("me: {kind: mail, host: h}", "notify.incomplete"),
        ("me: {kind: feishu}", "notify.incomplete"),
        ("me: [SECRET", "notify.unreadable"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_before_the_start(content: str, key: str) -> None:
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text(content)
    config = load_train(values={"model_name_or_path": "m", "dataset": "magic_conch", "notify": "me"}).config
    with pytest.raises(UsageError) as refused:
        submit.check(config)
    assert refused.value.key == key
    assert refused.value.hint
    assert "SECRET" not in refused.value.message
    assert "me" in notify(["me"], HELLO), "at the end of a run it is only told"


def test_every_kind_has_its_file() -> None:
    channels = Path(feishu.__file__).parent
    assert {path.stem for path in channels.glob("*.py")} - {"__init__"} == set(NEEDED)


# the message


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("end", ["finished", "failed", "stopped", "no end"])
def test_the_message_says_how_it_ended(end: str, language: str) -> None:
    run: Run = made_up_run(OLD, end, run_name="burger")
    text.set_language(language)
    message = message_of(run)
    assert "burger" in message.title
    assert str(run.output) in message.text
    assert message.facts["loss"] == 2.25
    if end == "failed":
        assert "Halve the batch." in message.text
    if end == "finished":
        assert "The loss fell." in message.text
