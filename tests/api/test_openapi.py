"""The OpenAPI document, and requests drawn from it: nothing that is not so, and no 5xx."""

import contextlib
import os
import re
from pathlib import Path

import httpx
import pytest
import schemathesis
from schemathesis.config import HealthCheck
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from world import World

from patience import SECONDS
from traceability.api.app import create_app
from traceability.api.problem_types import TYPES

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    """An application whose ledger is asked in process."""
    folder = tmp_path_factory.mktemp("drawn")
    with contextlib.closing(World(f"sqlite:///{folder}/ledger.sqlite3", folder).services) as services:
        yield create_app(services)


@pytest.fixture(scope="module")
def document(application):
    return application.openapi()


def wrong(event) -> list[str]:
    """What an event of a run says is wrong, if anything."""
    match event:
        case ScenarioFinished(status=Status.FAILURE | Status.ERROR, recorder=recorder):
            failed = [check for checks in recorder.checks.values() for check in checks if check.failure_info]
            return [f"{recorder.label}: {check.name}: {check.failure_info.failure}" for check in failed]
        case NonFatalError() | FatalError():
            return [repr(getattr(event, "value", event))]
        case _:
            return []


@pytest.mark.threat("T70")
@pytest.mark.slow
def test_nothing_is_wrong_with_what_is_drawn_from_the_document(application):
    """Schemathesis, all phases and all checks: every request drawn, right or wrong, has a documented answer."""
    config = schemathesis.Config.from_path(CONFIG)
    config.projects.default.generation.max_examples = max(
        1, int(os.environ.get("FUZZ_INPUTS", "100000")) // 20_000
    )
    config.projects.default.request_timeout = SECONDS
    config.suppress_health_check = [HealthCheck.too_slow]
    schema = schemathesis.openapi.from_asgi("/openapi.json", application, config=config)
    found, scenarios = [], 0
    for event in from_schema(schema).execute():
        scenarios += isinstance(event, ScenarioFinished) and event.status is Status.SUCCESS
        found += wrong(event)
    assert found == []
    assert scenarios > 50


def operations(document):
    return [(path, method, spec) for path, each in document["paths"].items() for method, spec in each.items()]


def test_the_document_is_openapi_3_1_and_names_everything_once(document):
    """Version, operation ids, summaries; and a status and a problem for what fails."""
    assert document["openapi"] == "3.1.0"
    ids = [spec["operationId"] for _, _, spec in operations(document)]
    assert len(set(ids)) == len(ids)
    for path, method, spec in operations(document):
        assert spec["summary"], (path, method)
        assert "422" not in spec["responses"] or "problem+json" in str(spec["responses"]["422"])
        assert "application/problem+json" in spec["responses"]["default"]["content"]
        for status, answer in spec["responses"].items():
            assert answer["description"]
            if status.isdigit() and int(status) >= 400:
                assert set(answer["content"]) == {"application/problem+json"}
    assert "HTTPValidationError" not in str(document)
    assert "'null'" not in str(document)


def test_the_document_has_every_route_the_project_promises(document):
    """The addresses of the API, by name."""
    assert {path for path, _, _ in operations(document)} >= {
        "/v1/events", "/v1/events/{event_id}", "/v1/events/{event_id}/evidence", "/v1/events/{event_id}/lineage",
        "/v1/events/{event_id}/disclosures", "/v1/lots", "/v1/lots/{lot_id}", "/v1/lots/{lot_id}/history",
        "/v1/lots/{lot_id}/lineage", "/v1/lots/{lot_id}/evidence", "/v1/lots/{lot_id}/qr.svg", "/v1/lots/{lot_id}/qr.png",
        "/v1/tags/{code}", "/v1/parties", "/v1/parties/{party_id}", "/v1/sites", "/v1/sites/{site_id}", "/v1/log",
        "/v1/log/entries", "/v1/sessions", "/checkpoint", "/tile/{path}", "/livez", "/readyz", "/metrics",
    }  # fmt: skip


def test_the_problems_a_route_names_have_their_status(document):
    """What a description quotes as a problem is a type of that status."""
    for _, _, spec in operations(document):
        for status, answer in spec["responses"].items():
            for name in re.findall(r"`([a-z_]+)`:", answer["description"]):
                assert TYPES[name].status == int(status)


@pytest.mark.threat("T86")
def test_the_document_is_served_and_nothing_of_a_third_party(served):
    """/openapi.json is there; no page that would load scripts from elsewhere."""
    _, server, _ = served
    answer = httpx.get(server.url + "/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["openapi"] == "3.1.0"
    assert httpx.get(server.url + "/docs").status_code == 404
