"""Requests, drawn for every route: its own names and bodies, and others; each a whole request with one answer.

What belongs to the framing of HTTP (lengths, codings of transfer, upgrades) is right here, so that any number of them
can go over one connection, and each answer can be told by its `X-Request-Id`. `test_wire` spoils that too.
"""

import gzip
import json
import time
import zlib
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from hosted import LOG, Hosted, production, signed
from spoil import TEXTS, mutated, odd_json, resaid

from traceability.core import canonical
from traceability.core.ids import to_unpadded
from traceability.core.leaf import time_text
from traceability.core.news import consent
from traceability.core.signing import READ_TYPE, Envelope, pae
from trade import Pen

METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCOL")
NAMES = (
    "Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cookie", "Range", "If-None-Match", "If-Modified-Since",
    "Content-Encoding", "Expect", "X-Forwarded-Host", "Forwarded", "Origin", "Referer", "HX-Request", "X-HTTP-Method-Override",
    "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Purpose", "User-Agent", "If-Match", "Accept-Charset", "X-Real-IP",
)  # fmt: skip
VALUES = (
    "", "*/*", "text/html", "application/json", "application/x-ndjson", "multipart/form-data; boundary=x", "gzip", "br", "identity",
    "bytes=0-", "bytes=" + "0-1," * 400, "DSSE ", "DSSE e30", "Bearer x", "Basic Og==", "session=x", "session=.", "session=e30.e30",
    "en;q=" + "0" * 300, "a," * 2000, "100-continue", "-1", "1e9", "0", "99999999999999999999", "a" * 4000, "gzip;q=0, *;q=0",
    "evil.example", "[::1]", "q=0.5, ;;;===", "fr-CD, fr;q=0.9", "rw", "sw-TZ", '"', 'W/"x"', "Thu, 01 Jan 1970 00:00:00 GMT",
    "navigate", "document", "cross-site", "same-origin", "prefetch", "http://[", "session=" + "A" * 3000, "é", "\x80\xff",
)  # fmt: skip
SEGMENTS = (
    "..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "%0a", "%0d%0aX:y", "%", "%f", "%ff", "%ed%a0%80", "a" * 3000, "1", "-1", "1_0",
    "+1", "%201", "9223372036854775808", "9007199254740992", "9" * 400, "x", "x001/000", "0/000", "0/x001/234", "000.p/0", "000.p/256",
    "999", "é", "😂", "'", '"', "' OR 1=1--", "<script>", "=cmd|' /C calc'!A0", "0" * 64, "f" * 64, "0" * 26, "z" * 26, "null", "{}",
    "*", "~", "//", "\\", ";", "t:x-1", "itsci:0148217", "0-0", "1-" + "0" * 26, "malformed", "0/000.p/1", "entries/000", "1/000",
)  # fmt: skip
QUERIES = (
    "q",
    "lang",
    "cursor",
    "from",
    "limit",
    "format",
    "state",
    "x",
    "",
    "direction",
    "disclose",
    "first",
    "second",
)
BOMB = zlib.compress(bytes(64 << 20), 9, wbits=31)
"""64 MiB of zeros in 64 KiB of gzip."""


class Asked(NamedTuple):
    """One whole request."""

    data: bytes
    id: str
    method: str
    path: str
    event: bool
    """Whether its answer may tell of an entry of the log."""


class Route(NamedTuple):
    """One method of one address, with the names and schemas of its query."""

    method: str
    path: str
    query: dict[str, Any]


def routes_of(app) -> list[Route]:
    """Every method of every address of the application, of the pages too; the document tells of queries."""
    document = app.openapi()["paths"]
    found, waiting = set(), list(app.router.routes)
    while waiting:
        route = waiting.pop()
        included = getattr(route, "original_router", None)
        waiting += included.routes if included is not None else []
        if hasattr(route, "path"):
            found |= {(method, route.path) for method in route.methods or {"GET"}} - {("HEAD", route.path)}
    listed = []
    for method, path in sorted(found):
        spec = document.get(path.replace(":path}", "}"), {}).get(method.lower(), {})
        query = {each["name"]: each["schema"] for each in spec.get("parameters", ()) if each["in"] == "query"}
        listed.append(Route(method, path, query))
    return listed


class Asking:
    """Draws requests for one server. Its visitors have signed in."""

    def __init__(self, hosted: Hosted, sessions: list[str]) -> None:
        self._hosted = hosted
        self._sessions = sessions
        self._readers = [hosted.pen(role) for role in ("auditor", "trader", "exporter", "regulator")]
        self._disclosed = hosted.disclosed()

    def draw(self, random: Random, route: Route, id_: str, pen: Pen) -> Asked:
        """A request for this route, right or wrong. `pen` signs what it brings."""
        method = route.method if random.random() < 0.9 else random.choice(METHODS)
        target = quote(self._target(random, route), safe="%/?&=#:;,@+$!*'()~[]<>{}|\\^`\"")
        headers = [
            f"X-Request-Id: {id_}",
            f"X-Forwarded-For: 10.{'.'.join(str(random.randrange(256)) for _ in range(3))}",
        ]
        headers += [
            f"{random.choice(NAMES)}: {random.choice(VALUES)}"
            for _ in range(random.choice((0, 0, 0, 1, 2, 4)))
        ]
        headers += self._who(random, method, target)
        body = b""
        if method == "POST" or random.random() < 0.05:
            kind, body = self._body(random, route, pen)
            headers += [f"Content-Type: {kind}"] if kind else []
        data = framed(random, method, target, headers, body)
        return Asked(data, id_, method, route.path, method == "POST" and route.path in BRINGING)

    def _target(self, random: Random, route: Route) -> str:
        path = route.path
        while "{" in path:
            start, end = path.index("{"), path.index("}")
            path = path[:start] + self._name(random, path[start + 1 : end]) + path[end + 1 :]
        draw = random.random()
        if draw < 0.05:
            path += random.choice(("/", "//", "/x", ".json", "%00", ";a=b", "/..", "?"))
        elif draw < 0.08:
            path = "/" + "/".join(random.choices(SEGMENTS, k=random.randrange(4)))
        elif draw < 0.10:
            path = random.choice(("http://evil.example", "//evil.example", "http://[::1]")) + path
        if random.random() < 0.5 and (route.query or random.random() < 0.3):
            names = [*route.query, *route.query, random.choice(QUERIES)]
            chosen = random.choices(names, k=random.randrange(1, 4))
            pairs = [
                f"{name}{random.choice(('=', '=', '=', '=', '', '=='))}{self._value(random, name, route)}"
                for name in chosen
            ]
            path += "?" + "&".join(pairs)
        return path

    def _name(self, random: Random, parameter: str) -> str:
        """What stands for a parameter of a path: most often something that is there."""
        names = self._hosted.names
        fitting = {
            "lot_id": names.lots, "event_id": names.events, "party_id": names.parties, "site_id": names.sites,
            "code": names.codes, "kid": names.kids, "roll": names.rolls, "path:path": ("0/000", "entries/000", "0/001.p/2", "1/000.p/1"),
            "id": names.all(), "code:path": (*names.codes, "itsci:0148217"), "name": ("malformed", "not_here", "page.css", "verify.js"),
        }.get(parameter, names.all())  # fmt: skip
        draw = random.random()
        if draw < 0.6:
            return random.choice(fitting)
        if draw < 0.7:
            return quote(mutated(random, random.choice(fitting).encode(), 1))
        if draw < 0.8:
            return random.choice(names.all())
        return random.choice((*SEGMENTS, quote(random.choice(TEXTS))))

    def _value(self, random: Random, name: str, route: Route) -> str:
        """What stands behind a name in a query."""
        schema = str(route.query.get(name, ""))
        draw = random.random()
        if draw < 0.4 and "'enum'" in schema:
            words = [word for word in schema.split("'") if word.isidentifier() and word not in ("enum", "type", "string", "anyOf", "title")]  # fmt: skip
            return random.choice(words)
        if draw < 0.7:
            return random.choice(("1", "2", "100", "500", "501", "0", "7", *self._hosted.names.all()))
        return random.choice((*SEGMENTS, quote(random.choice(TEXTS))))

    def _who(self, random: Random, method: str, target: str) -> list[str]:
        """Nobody, somebody with a session, or with a signature over this request, or nearly."""
        draw = random.random()
        if draw < 0.35:
            return []
        if draw < 0.7:
            return [f"Cookie: session={random.choice(self._sessions)}"]
        if draw < 0.75:
            session = mutated(random, random.choice(self._sessions).encode(), 1)
            return [f"Cookie: session={plain(session)}"]
        header = self.signature(random, random.choice(self._readers), method, target)
        if draw < 0.8:
            header = mutated(random, header)
        return [f"Authorization: DSSE {plain(header)}"]

    def signature(self, random: Random, pen: Pen, method: str, target: str) -> bytes:
        """What an Authorization header shows: now and then a claim that is said again with one thing changed."""
        claim = {
            "expires": time_text(int(time.time()) + 120),
            "key": pen.key.id,
            "log": LOG,
            "method": method,
            "nonce": to_unpadded(random.randbytes(16)),
            "party": pen.party,
            "path": target.partition("#")[0],
        }
        payload = canonical.encode(claim)
        if random.random() < 0.2:
            payload = resaid(random, payload)
        envelope = Envelope(READ_TYPE, payload, pen.key.id, pen.key.sign(pae(READ_TYPE, payload)))
        return to_unpadded(envelope.to_json()).encode()

    def _body(self, random: Random, route: Route, pen: Pen) -> tuple[str, bytes]:
        """A media type and a body: the route's own, and spoiled."""
        honest = self._honest(random, route, pen)
        draw = random.random()
        if draw < 0.25:
            body = honest
        elif draw < 0.55:
            body = mutated(random, honest)
        elif draw < 0.75 and honest.startswith(b"{"):
            body = resaid(random, honest)
        elif draw < 0.9:
            body = odd_json(random)
        else:
            body = random.randbytes(random.randrange(200))
        kind = "application/x-www-form-urlencoded" if route.path.startswith("/sign") else "application/json"
        if random.random() < 0.1:
            kinds = (
                "application/x-ndjson",
                "text/plain",
                "",
                "application/json; charset=utf-16",
                "a" * 300,
                ";",
            )
            kind = random.choice(kinds)
        return kind, body

    def _honest(self, random: Random, route: Route, pen: Pen) -> bytes:
        """What this route is for."""
        names = self._hosted.names
        match route.path:
            case "/v1/events":
                if random.random() < 0.5:
                    return production(random, pen)
                value = self._hosted.any_event(random, pen)
                return signed(pen, canonical.dump(value))
            case "/v1/events/{event_id}/disclosures":
                some = [opened for _, opened in random.sample(self._disclosed, random.randrange(1, 4))]
                return canonical.dump({"disclosures": some})
            case "/v1/news":
                trader = self._readers[1]
                lots = random.choice((self._hosted.roles["trader"]["lots"], random.sample(names.lots, 3)))
                until = random.choice(("2030-01-01T00:00:00Z", "2020-01-01T00:00:00Z"))
                said = json.loads(consent(trader.key, trader.party, LOG, lots, until))
                return canonical.dump({"consent": said, "since": random.randrange(1, 700)})
            case "/v1/scans":
                place = random.choice(("-2,29", "0,0", "-90,-180", "89,179", "90,0", "-0,1"))
                return canonical.dump({"code": random.choice(names.codes), "place": place})
            case "/v1/reports":
                subject = random.choice(
                    (
                        {"type": "lot", "id": random.choice(names.lots)},
                        {"type": "site", "id": random.choice(names.sites)},
                        {"type": "party", "id": random.choice(names.parties)},
                    )
                )
                said = {"account": random.choice(TEXTS[1:8]), "people": [{"name": "X"}]}
                return canonical.dump(
                    {
                        "categories": [random.choice(("violence", "child_labour", "fraud", "other"))],
                        "subjects": [subject],
                        "happened_from": "2026-10-01",
                        **said,
                    }
                )
            case "/sign-in":
                line = self.signature(random, random.choice(self._readers), "POST", "/v1/sessions")
                return b"signed=DSSE+" + line
            case _:
                return canonical.dump({"code": random.choice(names.all())})


BRINGING = frozenset({"/v1/events", "/v1/reports"})


def plain(data: bytes) -> str:
    """As it can stand in a header."""
    return "".join(chr(byte) if 0x20 < byte < 0x7F else "~" for byte in data)


def packed(random: Random, body: bytes) -> bytes:
    """gzip of the body: in one member or two, cut off, followed by something, spoiled, or not of the body at all."""
    whole = gzip.compress(body, 1, mtime=0)
    match random.randrange(10):
        case 0:
            return mutated(random, whole)
        case 1:
            return whole[: random.randrange(len(whole))]
        case 2:
            return whole + random.choice((b"\x00", b"x", gzip.compress(b"", mtime=0), BOMB))
        case 3:
            return BOMB
        case 4:
            half = len(body) // 2
            return gzip.compress(body[:half], mtime=0) + gzip.compress(body[half:], mtime=0)
        case _:
            return whole


def framed(random: Random, method: str, target: str, headers: list[str], body: bytes) -> bytes:
    """A whole request; its body with a length or in chunks, now and then packed."""
    head = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body and random.random() < 0.1:
        head.append("Content-Encoding: gzip")
        body = packed(random, body)
    if body and random.random() < 0.3:
        head.append("Transfer-Encoding: chunked")
        body = chunked(random, body)
    elif body or method == "POST":
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + body


def chunked(random: Random, body: bytes) -> bytes:
    cuts = sorted(random.randrange(len(body) + 1) for _ in range(3))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
