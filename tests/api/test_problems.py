"""Every way to fail has one name and one status, stands in docs/problems.md, and says what to do."""

import ast
from pathlib import Path

import httpx
import pytest
from test_submit import problem

from traceability.api.problem_types import TYPES, page

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "traceability"
OPERATORS = {"not_a_demo"}
"""Names that only a command of the operator can meet."""


def named(folder: str, *functions: str) -> dict[str, str]:
    """Names given as first argument to these functions, as literals, and where."""
    found = {}
    for path in sorted((SOURCES / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            first = node.args[0]
            if called in functions and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = f"{path.name}:{node.lineno}"
    return found


REJECTIONS = {**named("core", "reject", "Rejected"), **named("ledger", "Refused")}


def test_the_walk_finds_the_rejections():
    """The names are literals where rules reject; well-known ones are among them."""
    assert {"not_custodian", "role_missing", "does_not_close", "bad_signature", "fork", "not_signing"} <= set(
        REJECTIONS
    )


@pytest.mark.parametrize("name", sorted(REJECTIONS))
def test_every_rejection_is_a_problem_type(name):
    """What the core or the ledger refuses by this name has a status and a remedy."""
    assert name in TYPES or name in OPERATORS, (
        f"{REJECTIONS[name]} rejects under a name the API does not know"
    )


def test_every_problem_type_is_used():
    """No type is left over from a rule that is no more."""
    raised = named("api", "Problem")
    assert set(TYPES) - {"internal"} <= {*REJECTIONS, *raised}


def test_statuses_are_as_promised():
    """403 not that party's act, 409 something else came or comes first, 410 erased, 503 our own trouble, else 422."""
    for name, where in REJECTIONS.items():
        if name not in OPERATORS:
            assert TYPES[name].status in {400, 403, 409, 410, 422, 503}, where
    by_status = {
        status: {name for name, kind in TYPES.items() if kind.status == status} for status in (403, 409)
    }
    assert by_status[409] == {"double_issue", "waits_for", "fork", "ahead"}
    assert by_status[403] == {
        "not_your_key", "role_missing", "not_custodian", "not_recipient", "not_giver", "not_title_holder",
        "not_importer", "not_your_event", "not_your_id", "not_your_tags", "not_your_delegation",
        "delegation_does_not_cover", "delegation_ended", "own_act", "key_revoked",
        "not_concerned",
    }  # fmt: skip


def test_the_page_of_problems_is_the_table():
    """docs/problems.md says what the program says."""
    command = "from traceability.api.problem_types import page; print(page(), end='')"
    assert (ROOT / "docs" / "problems.md").read_text() == page(), f'write it again: python -c "{command}"'


def test_types_open_their_remedy(client):
    """`type` is an address on the same server where the remedy stands."""
    for name, kind in TYPES.items():
        answer = client.get(f"/problems/{name}")
        assert answer.status_code == 200
        assert kind.remedy in answer.text
    assert problem(client.get("/problems/nothing")) == (404, "not_here")


@pytest.mark.threat("T70")
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404), ("GET", "/docs", 404), ("GET", "/redoc", 404), ("GET", "/v1", 404), ("GET", "/v1/events", 405),
        ("PUT", "/v1/events", 405), ("POST", "/v1/lots", 405), ("DELETE", "/checkpoint", 405), ("GET", "/v1/sessions", 405),
        ("GET", "/v1/lots/", 404), ("GET", "/v1/lots/X", 404), ("GET", "/v1/events/1_0", 404), ("GET", "/v1/events/+1", 404),
        ("GET", "/v1/events/9223372036854775808", 404), ("GET", "/v1/lots/%00", 404), ("GET", "/v1/lots/%ED%A0%80", 404),
        ("GET", "/v1/sites/%F0%9F%92%8E", 404), ("OPTIONS", "/v1/events", 405), ("TRACE", "/v1/log", 405),
        ("PATCH", "/v1/events/" + "0" * 64, 405), ("GET", "/v1/lots?limit=%ff", 400), ("GET", "/v1/lots?%00=1", 400),
    ],
)  # fmt: skip
def test_what_fastapi_refuses_is_a_problem_too(client, method, path, status):
    """Unknown addresses, other methods, paths and queries that cannot be: all problem+json, never 5xx."""
    answer = client.request(method, path)
    assert problem(answer)[0] == status
    if status == 405:
        assert answer.headers["allow"]


def test_405_names_every_method_of_the_address(client):
    """Two routes at one address answer with both their methods."""
    assert client.get("/v1/sessions").headers["allow"] == "DELETE, POST"


def test_a_ledger_that_may_not_sign_says_why_and_goes_on_reading(tmp_path):
    """With the guard gone: 503 not_signing with Retry-After for events; reads, tiles and readiness go on."""
    from world import World, serving, submission

    from traceability.api.app import create_app
    from traceability.api.services import Services
    from traceability.ledger.guard import FileGuard
    from traceability.ledger.writer import Ledger
    from trade import LOG_SIGNER, produce

    world = World(f"sqlite:///{tmp_path}/ledger.sqlite3", tmp_path)
    world.services.writer.close()
    world.ledger.close()
    empty = FileGuard(tmp_path / "elsewhere", LOG_SIGNER.verifier.encode())
    ledger = Ledger(world.store, empty, LOG_SIGNER)
    services = Services.around(world.services.settings, world.store, ledger, LOG_SIGNER)
    with serving(create_app(services)) as server, httpx.Client(base_url=server.url) as client:
        answer = client.post("/v1/events", json=submission(produce(world.anna, "1")))
        assert problem(answer) == (503, "not_signing")
        assert int(answer.headers["retry-after"]) > 0
        assert "guard" in answer.json()["detail"]
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["signing"] is False
        assert "guard" in ready.json()["reason"]
        assert client.get("/v1/log").json()["signing"] is False
        assert client.get("/checkpoint").status_code == 200
        assert client.get("/tile/0/000.p/1").status_code == 200
        assert "traceability_signing 0.0" in client.get("/metrics").text
    services.close()
