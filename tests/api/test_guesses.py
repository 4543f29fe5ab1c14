"""Codes are not found by trying: limits per client and in all, one answer for whatever is not there, and no trace of a code."""

import hashlib
from types import SimpleNamespace

import pytest
from serving import serving
from test_tags import Bagged, code_of
from world import Client

from traceability.api import guesses
from traceability.api.clients import Clients
from traceability.api.guesses import ALL_AT_ONCE, AT_ONCE, SECONDS_EACH, Bucket, Guesses
from traceability.api.logging import JsonLines
from traceability.api.problems import Problem, not_here
from traceability.web.app import create_app


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def asking(address: str = "192.0.2.1", **headers: str) -> SimpleNamespace:
    """As much of a request as is looked at."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    listed = SimpleNamespace(
        get=lambda name, default=None: said.get(name, default),
        getlist=lambda name: [said[name]] if name in said else [],
    )
    return SimpleNamespace(client=SimpleNamespace(host=address), headers=listed)


# --- who is who


def test_clients_are_told_apart_by_nothing_that_lasts(monkeypatch):
    """The same all day and in one process; another day, process or address is another, and none tells an address."""
    one = Clients()
    assert one.of(asking()) == one.of(asking())
    assert one.of(asking()) != one.of(asking("192.0.2.2"))
    assert one.of(asking()) != one.of(asking(), "a browser")
    assert one.of(asking()) != Clients().of(asking())
    assert b"192" not in one.of(asking())
    today = one.of(asking())
    monkeypatch.setattr("traceability.api.clients.time.time", lambda: 10**10)
    assert one.of(asking()) != today


def test_a_household_of_ipv6_is_one_client():
    """By its first 64 bits; an IPv4 address is the same in either writing; what is no address is nobody."""
    one = Clients()
    assert one.of(asking("2001:db8:1:2::1")) == one.of(asking("2001:db8:1:2:ffff::9"))
    assert one.of(asking("2001:db8:1:2::1")) != one.of(asking("2001:db8:1:3::1"))
    assert one.of(asking("::ffff:192.0.2.1")) == one.of(asking())
    assert one.of(asking("unix")) == one.of(asking(""))


@pytest.mark.threat("T86")
def test_only_a_proxy_of_ours_says_who_asks():
    """What others say of themselves changes nothing; behind proxies of ours the nearest address that is none of them counts."""
    plain, behind = Clients(), Clients("127.0.0.1, 10.0.0.1")
    said = {"x_forwarded_for": "198.51.100.9, 192.0.2.7, 10.0.0.1"}
    assert plain.of(asking(**said)) == plain.of(asking())
    assert behind.of(asking(**said)) == behind.of(asking())
    assert behind.of(asking("127.0.0.1", **said)) == behind.of(asking("192.0.2.7"))
    other = {"x_forwarded_for": "203.0.113.1, 192.0.2.7"}
    assert behind.of(asking("127.0.0.1", **said)) == behind.of(asking("127.0.0.1", **other))
    with pytest.raises(ValueError, match="proxy"):
        Clients("proxy")


# --- limits


def miss(limits: Guesses, address: str = "192.0.2.1") -> bool:
    """Whether a question that finds nothing was let in."""
    try:
        with limits.trying(asking(address)):
            raise not_here()
    except Problem as problem:
        return problem.name == "not_here"


def hit(limits: Guesses, address: str = "192.0.2.1") -> bool:
    try:
        with limits.trying(asking(address)):
            return True
    except Problem:
        return False


def test_a_bucket_fills_again():
    """So many at once, then one more each so many seconds, and never more than at once."""
    clock = Hand()
    bucket = Bucket(3, 10, clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.now += 10
    assert [bucket.take() for _ in range(2)] == [True, False]
    clock.now += 10**6
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


@pytest.mark.threat("T79")
def test_who_tries_codes_has_to_wait():
    """After a hundred misses nothing is answered to him, not even a code that is there; others notice nothing."""
    clock = Hand()
    limits = Guesses(Clients(), clock)
    assert all(hit(limits) for _ in range(10 * AT_ONCE)), "who finds what he asks for is not limited"
    assert sum(miss(limits) for _ in range(3 * AT_ONCE)) == AT_ONCE
    assert not hit(limits)
    assert hit(limits, "192.0.2.2")
    clock.now += SECONDS_EACH
    assert hit(limits)
    assert miss(limits)
    assert not miss(limits)


@pytest.mark.threat("T79")
def test_many_who_try_together_have_to_wait():
    """From thousands of addresses: in all no more than that, and whoever has never missed is still answered."""
    clock = Hand()
    limits = Guesses(Clients(), clock)
    crowd = [f"10.{n // 250}.{n % 250}.1" for n in range(500)]
    let_in = sum(miss(limits, address) for _ in range(10) for address in crowd)
    assert let_in <= ALL_AT_ONCE + len(crowd)
    assert not any(hit(limits, address) for address in crowd)
    assert hit(limits, "192.0.2.9")


def test_memory_is_bounded(monkeypatch):
    """Of those who missed, only the last are remembered."""
    monkeypatch.setattr(guesses, "CLIENTS_MAX", 50)
    limits = Guesses(Clients(), Hand())
    for n in range(500):
        miss(limits, f"10.0.{n // 250}.{n % 250}")
    assert len(limits._each._of) == 50


# --- over HTTP


@pytest.fixture
def fresh(served):
    """(world, client, bagged): the same ledger behind a server that remembers nobody, with pages."""
    world = served[0]
    services = world.services._replace(guesses=Guesses(Clients(), Hand()))
    with serving(create_app(services)) as server, Client(base_url=server.url) as client:
        yield world, client, Bagged(world)


@pytest.mark.threat("T79")
def test_every_way_to_a_tag_is_limited(fresh):
    """API, page, search box and scans share one limit; then the answer is 429 for codes that are there too."""
    _, client, bagged = fresh
    page = {"Accept": "text/html"}
    tries = [
        lambda code: client.get(f"/v1/tags/{code}"),
        lambda code: client.get(f"/t/{code}", headers=page),
        lambda code: client.get("/search", params={"q": code}, headers=page),
        lambda code: client.post("/v1/scans", json={"code": code, "place": "-2,29"}),
    ]
    statuses = [tries[n % 4](code_of(10**8 + n)).status_code for n in range(AT_ONCE)]
    assert set(statuses) == {404}
    for ask in tries:
        for code in (bagged.code, code_of(10**9)):
            refused = ask(code)
            assert refused.status_code == 429
            assert int(refused.headers["retry-after"]) == SECONDS_EACH
            assert code not in refused.text.replace(f"/t/{code}", "").replace(f"q={code}", "")
    assert client.get("/v1/log").status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.threat("T79")
def test_unknown_void_and_malformed_are_one_answer(fresh):
    """To who has no code: unknown, malformed, too long, of another alphabet; the same bytes and headers for all."""
    world, client, bagged = fresh
    wrong = bagged.code[:-1] + ("2" if bagged.code[-1] != "2" else "3")
    typed = [
        code_of(10**9),
        wrong,
        "x",
        "U" * 13,
        "A" * 200,
        f"t:{bagged.roll}-1",
        "%00",
        "..%2F..",
        "\u202e" + bagged.code,
    ]

    def said(answer):
        headers = {
            k: v for k, v in answer.headers.items() if k not in ("date", "x-request-id", "content-length")
        }
        body = {name: value for name, value in answer.json().items() if name != "request_id"}
        return answer.status_code, headers, body

    answers = [said(client.get(f"/v1/tags/{each}")) for each in typed]
    assert all(each == answers[0] for each in answers)
    assert answers[0][0] == 404
    void = {"roll": bagged.roll, "first": 5, "last": 5, "reason": "stolen"}
    world.take(world.registrar.sign("tag_void", void))
    page = client.get(f"/t/{bagged.codes[4]}", headers={"Accept-Language": "en"})
    assert "declared void" in page.text, "who holds a void tag is told so"


@pytest.mark.threat("T79")
@pytest.mark.threat("T80")
def test_no_code_leaves_the_page(fresh, caplog):
    """Not by a referrer, in a metric, in a log line, in a header, or in a link to anybody else."""
    _, client, bagged = fresh
    caplog.set_level("DEBUG")
    headers = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    page = client.get(f"/t/{bagged.code}", headers=headers)
    assert page.headers["referrer-policy"] == "no-referrer"
    client.get(f"/v1/tags/{bagged.code}")
    client.post("/v1/scans", json={"code": bagged.code, "place": "-2,29"})
    client.post("/v1/scans", json={"code": bagged.code, "place": "nowhere"})
    counted = client.get("/metrics").text  # by then, the lines of what was asked before are written
    ours = [JsonLines().format(each) for each in caplog.records if each.name.startswith("traceability")]
    assert len(ours) >= 4
    for text in (counted, str(page.headers), *ours):
        assert bagged.code not in text
        assert hashlib.sha256(bagged.code.encode()).hexdigest() not in text
    assert page.text.count(bagged.code) == page.text.count(f'"/t/{bagged.code}?')
