"""Who may ask what, from where."""

from __future__ import annotations

import pytest

from conch.config.serve import ServeConfig
from conch.core.api_keys import SCOPES, create, revoke
from conch.core.errors import ServeError
from conch.server.auth import is_loopback, with_key
from tests.server.scripted import chat_body, client_of, scripted_chat, service_of
from tests.server.test_errors import told

KEY = "sesam-öffne-dich"
PROTECTED = [
    ("GET", "/generate?prompt=x"),
    ("POST", "/generate"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/base"),
    ("GET", "/docs"),
    ("GET", "/"),
    ("GET", "/openapi.json"),
    ("GET", "/nothing"),
]


@pytest.fixture
def guarded():
    config = ServeConfig(model="base", host="0.0.0.0", api_key=KEY)
    client = client_of(service_of(scripted_chat()), config, follow_redirects=False)
    client.base_url = "http://example.com"
    return client


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize(
    "header", [{}, {"authorization": "Bearer wrong"}, {"x-api-key": ""}, {"authorization": KEY.encode()}]
)
def test_without_the_key_nothing_is_told(guarded, method, path, header):
    answer = guarded.request(method, path, headers=header)
    error = told(answer, 401)
    assert error["type"] == "authentication_error"
    assert error["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_monitors_need_no_key(guarded, path):
    assert guarded.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/healthy", "/v1/health"])
def test_only_health_is_open(guarded, path):
    told(guarded.get(path), 401)


@pytest.mark.parametrize(
    "header",
    [
        {"authorization": f"Bearer {KEY}".encode()},
        {"x-api-key": KEY.encode()},
        {"authorization": f"bearer {KEY}".encode()},
    ],
)
def test_with_the_key(guarded, header):
    assert guarded.get("/v1/models", headers=header).status_code == 200
    assert guarded.post("/v1/chat/completions", json=chat_body(), headers=header).status_code == 200
    told(guarded.get("/nothing", headers=header), 404)


def test_the_key_in_the_address_opens_pages_only(guarded):
    assert guarded.get("/docs", params={"key": KEY}).status_code == 200
    assert guarded.get("/openapi.json", params={"key": KEY}).status_code == 200
    home = guarded.get("/", params={"key": KEY})
    assert home.status_code == 200
    assert KEY not in home.text
    told(guarded.get("/v1/models", params={"key": KEY}), 401)
    told(guarded.get("/docs", params={"key": "wrong"}), 401)


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_without_a_key_this_machine_is_answered(client, host):
    assert client.get("/v1/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "", "[", "10.0.0.1"])
def test_without_a_key_other_names_are_turned_away(client, host):
    assert told(client.get("/v1/models", headers={"host": host}), 403)["code"] == "foreign_host"


def test_keys_are_made_where_they_are_needed():
    assert with_key(ServeConfig(model="m")).api_key is None
    assert with_key(ServeConfig(model="m", api_key="mine", host="0.0.0.0")).api_key == "mine"
    made = {
        with_key(ServeConfig(model="m", host=host)).api_key
        for host in ("0.0.0.0", "::", "10.0.0.1", "my.host")
    }
    assert len(made) == 4
    assert all(key and len(key) == 32 for key in made)
    with pytest.raises(ServeError, match="blank"):
        with_key(ServeConfig(model="m", api_key=" "))


def test_an_app_is_never_open_to_others_without_a_key():
    with pytest.raises(ServeError, match="no key"):
        client_of(service_of(scripted_chat()), ServeConfig(model="m", host="0.0.0.0"))


@pytest.fixture
def ringed(home):
    """A client of a server that takes the keys of `conch keys`, and one key of each scope."""
    keys = {scope: create(scope, [scope]) for scope in SCOPES}
    config = ServeConfig(model="base", require_key=True)
    return client_of(service_of(scripted_chat()), config), keys


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


NEEDED = {
    "infer": [
        ("GET", "/v1/models", None),
        ("POST", "/v1/chat/completions", chat_body()),
        ("GET", "/docs", None),
    ],
    "metrics": [("GET", "/metrics", None)],
    "admin": [("POST", "/v1/load_lora_adapter", {"lora_name": "x", "lora_path": "y"})],
}


@pytest.mark.parametrize("scope", SCOPES)
def test_keys_are_good_for_their_scopes(ringed, scope):
    client, keys = ringed
    for needed, requests in NEEDED.items():
        for method, path, body in requests:
            answer = client.request(method, path, json=body, headers=bearer(keys[scope]))
            if scope in {needed, "admin"}:
                assert answer.status_code == 200, answer.text
            else:
                error = told(answer, 403)
                assert error["code"] == "insufficient_scope"
                assert needed in error["message"]


def test_keys_come_and_go_while_the_server_serves(ringed):
    client, keys = ringed
    told(client.get("/v1/models"), 401)
    told(client.get("/v1/models", headers=bearer("conch-wrong")), 401)
    new = create("new", ["infer"])
    assert client.get("/v1/models", headers=bearer(new)).status_code == 200
    revoke("new")
    told(client.get("/v1/models", headers=bearer(new)), 401)
    for name in SCOPES:
        revoke(name)
    told(client.get("/v1/models", headers=bearer(keys["infer"])), 401)


def test_kept_keys_spare_the_made_one(home):
    open_to_all = ServeConfig(model="m", host="0.0.0.0")
    assert with_key(open_to_all).api_key
    create("mine", ["infer"])
    assert with_key(open_to_all).api_key is None
    assert client_of(service_of(scripted_chat()), open_to_all).get("/v1/models").status_code == 401


def test_listed_origins_may_use_the_api():
    config = ServeConfig(model="base", cors_origins=("https://chat.example",))
    client = client_of(service_of(scripted_chat()), config)
    origin = {"origin": "https://chat.example", "sec-fetch-site": "cross-site"}
    ask = {
        **origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
    }
    answer = client.options("/v1/chat/completions", headers=ask)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "https://chat.example"
    answer = client.post("/v1/chat/completions", json=chat_body(), headers=origin)
    assert answer.headers["access-control-allow-origin"] == "https://chat.example"
    other = {**origin, "origin": "https://evil.example"}
    told(client.post("/v1/chat/completions", json=chat_body(), headers=other), 403)


def test_loopback():
    assert all(map(is_loopback, ["127.0.0.1", "127.1.2.3", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "", "example.com", "localhost.example.com"]))


CROSS = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "Cross-Site", "origin": "https://evil.example"},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:7860"},
    {"origin": "null"},
    {"origin": "file://"},
    {"origin": "http://[broken"},
    {"origin": ""},
]
OWN = [
    {},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:8000"},
    {"origin": "http://127.0.0.1:8000"},
    # a proxy in between hides the name that the browser knows, but not that the page is our own
    {"sec-fetch-site": "same-origin", "origin": "https://my.host"},
]
WORKING = [
    ("GET", "/generate?prompt=x", None),
    ("POST", "/generate", {"prompt": "x"}),
    ("POST", "/v1/chat/completions", chat_body()),
    ("POST", "/v1/completions", {"model": "base", "prompt": "x"}),
    ("GET", "/v1/models", None),
    ("GET", "/openapi.json", None),
]


@pytest.mark.parametrize("headers", CROSS)
@pytest.mark.parametrize(("method", "path", "body"), WORKING)
def test_other_pages_are_turned_away(client, method, path, body, headers):
    error = told(client.request(method, path, json=body, headers=headers), 403)
    assert (error["type"], error["code"]) == ("permission_error", "foreign_page")


@pytest.mark.parametrize("headers", OWN)
@pytest.mark.parametrize(("method", "path", "body"), [*WORKING, ("GET", "/docs", None), ("GET", "/", None)])
def test_programs_and_our_own_page_are_answered(client, method, path, body, headers):
    assert client.request(method, path, json=body, headers=headers).status_code == 200


def test_a_link_elsewhere_may_lead_to_the_docs(client):
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/docs", headers=headers).status_code == 200
    assert client.get("/", headers=headers, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("headers", CROSS)
def test_with_a_key_other_pages_may_read_but_not_act(guarded, headers):
    key = {"authorization": f"Bearer {KEY}".encode()}
    answer = guarded.post("/v1/chat/completions", json=chat_body(), headers={**key, **headers})
    assert told(answer, 403)["code"] == "foreign_page"
    assert guarded.get("/v1/models", headers={**key, **headers}).status_code == 200
    assert guarded.get("/health", headers=headers).status_code == 200
    told(guarded.get("/v1/models", headers=headers), 401)


@pytest.mark.parametrize("origin", ["http://example.com", "https://example.com", "https://example.com:443"])
def test_with_a_key_our_own_page_may_act_behind_a_proxy_too(guarded, origin):
    headers = {"authorization": f"Bearer {KEY}".encode(), "origin": origin}
    assert guarded.post("/v1/chat/completions", json=chat_body(), headers=headers).status_code == 200


def test_no_cross_origin_headers(client):
    answer = client.get("/v1/models", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_secrets_are_not_shown():
    assert "sesam" not in repr(ServeConfig(model="m", api_key="sesam"))
