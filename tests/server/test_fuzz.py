"""Requests that schemathesis makes up from the OpenAPI document: sound ones, and ones broken on purpose.

None may end in a 5xx or hang, and each failure has the documented form.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.proofs import Proofs
from tests.server.scripted import TOOLS_TEMPLATE, client_of, scripted_chat, service_of

FEW, MANY = 10, 150
"""Cases of each kind for each route."""
FIELDS = {"message", "type", "param", "code"}
PASSED = ("json", "content", "data", "headers", "params")


def ask(client: TestClient, case: schemathesis.Case, mode: GenerationMode) -> int:
    """The status of one request. A failure must be told as documented."""
    if mode is GenerationMode.POSITIVE and isinstance(case.body, dict) and "model" in case.body:
        case.body["model"] = "base"  # the document can't say which models there are
    words = case.as_transport_kwargs(base_url="http://127.0.0.1:8000")
    answer = client.request(
        words["method"], words["url"], **{key: words[key] for key in PASSED if words.get(key) is not None}
    )
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert set(error) == FIELDS
        assert error["message"]
        assert error["code"]
    return answer.status_code


def fuzz(client: TestClient, route: Any, mode: GenerationMode, cases: int) -> Counter[int]:
    """Statuses of so many requests to one route."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=cases == FEW,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=route.as_strategy(generation_mode=mode))
    def held(case: schemathesis.Case) -> None:
        statuses[ask(client, case, mode)] += 1

    try:
        held()
    except Unsatisfiable:  # a route without fields has nothing that could be broken
        assert mode is GenerationMode.NEGATIVE
    return statuses


@pytest.mark.filterwarnings("ignore")
def test_no_request_is_too_strange(request: pytest.FixtureRequest, proofs: Proofs) -> None:
    service = service_of(scripted_chat(template=TOOLS_TEMPLATE), scripted_chat("I serve burgers."))
    client = client_of(service, raise_server_exceptions=False)
    document = client.get("/openapi.json").json()
    cases = MANY if request.config.getoption("--prove") else FEW
    routes = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    statuses: Counter[int] = Counter()
    for route in routes:
        for mode in GenerationMode:
            statuses += fuzz(client, route, mode, cases)
    assert len(routes) >= 14
    assert statuses[200] > 10
    assert statuses[400] > 50
    assert (service.running, service.models[0].chat.engine.running) == (0, 0)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    proofs.tell(
        "requests made up from the OpenAPI document by schemathesis, sound and broken: no 5xx, no hang, "
        "every error in the documented form",
        f"{sum(statuses.values())} requests to {len(routes)} routes: {told}",
    )
