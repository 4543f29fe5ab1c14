"""The reader's own device verifies, in a real browser: a file, a lot's page, the log that a tag's page rests on."""

import base64
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator

import msgspec
import pypdfium2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page
from test_browser import DESK, PHONE, RULES
from test_pages import EN, FR, session

from browser import profile
from traceability.core import canonical
from traceability.core.note import Signer
from traceability.core.trust_policy import TrustPolicy
from traceability.core.verify import verify
from traceability.ledger.packing import pack_lot
from traceability.web import device
from traceability.web.assets import address
from traceability.web.figures import told as figures_told

pytestmark = pytest.mark.browser
OURS = "season.evidence.json"


def cookie(season, role: str) -> dict[str, str]:
    """The session cookie of who signed in."""
    with session(season, role) as client:
        return {"name": "session", "value": client.cookies["session"], "url": season.server.url}


@pytest.fixture(scope="module")
def exporter(season):
    return cookie(season, "exporter")


@pytest.fixture(scope="module")
def auditor(season):
    return cookie(season, "auditor")


@pytest.fixture
def open_context(chromium: Browser, season, exporter) -> Iterator[Callable[..., BrowserContext]]:
    """Makes devices, each with nothing remembered, signed in as the exporter or another."""
    made = []

    def make(cookie=exporter, **options) -> BrowserContext:
        context = profile(
            chromium, base_url=season.server.url, **{"viewport": PHONE, "locale": "en-GB", **options}
        )
        context.add_cookies([cookie])
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture(scope="module")
def lot_id(season):
    """A lot in the exporter's hands."""
    return season.roles["exporter"].lots[0]


@pytest.fixture(scope="module")
def evidence(season, lot_id) -> bytes:
    """Its evidence, with everything opened that was ever disclosed."""
    return season.services.reader.evidence([lot_id], disclose=lambda *_: True)


@pytest.fixture(scope="module")
def report(season, evidence):
    """What the core makes of it in Python."""
    return verify(evidence, TrustPolicy.parse(device.policy(season.services).encode()))


def plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def verified(page: Page, data: bytes, name: str = OURS) -> str:
    """Chooses a file on the page, and waits for what comes out."""
    page.set_input_files("#file", {"name": name, "mimeType": "application/octet-stream", "buffer": data})
    page.wait_for_selector(".verdict, #status .broken")
    return plain(page.inner_text("main"))


def ready(page: Page) -> Page:
    page.goto("/verify")
    page.wait_for_selector("#check:not([hidden])")
    return page


# A file


@pytest.mark.parametrize(("words", "locale", "viewport"), [(EN, "en-GB", PHONE), (FR, "fr-FR", DESK)])
def test_a_good_file_holds(season, open_context, evidence, report, words, locale, viewport):
    """Verdict, all steps, masses and places as the core has them; and the server is asked for nothing meanwhile."""
    page = ready(open_context(locale=locale, viewport=viewport).new_page())
    page.wait_for_load_state("networkidle")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    said = verified(page, evidence)
    assert asked == []
    assert page.locator(".steps li").count() == 11
    assert page.locator(".steps .verified").count() == 11
    assert page.locator(".verdict .mark.verified").count() == 1
    assert page.evaluate("document.activeElement.className") == "verdict"
    assert not re.search(r"\[object|undefined|NaN|\bnull\b", said)
    lot = report.lots[0]
    assert report.verdict == lot.verdict
    assert plain(words("check.verdict.holds")) in said
    assert plain(words("check.left_out")) in said
    assert plain(words.mass(lot.mass_ug, lot.mineral)) in said
    for share in lot.origins:
        assert season.records("site")[share.id].facts[-1].name in said
    opened = sum(len(entry.get("disclosures", ())) for entry in json.loads(evidence)["entries"])
    assert page.locator("dl.apart dt").count() == opened > 10
    for number in range(1, 12):
        assert plain(words(f"check.step.{number}")) in said


def test_the_file_of_a_shipment_tells_of_each_lot(season, open_context):
    """Two lots in one file: each has its mass, its places and its verdict."""
    lots = sorted(season.services.reader.lots(limit=40).items, key=lambda lot: lot.id)[:2]
    data = season.services.reader.evidence([lot.id for lot in lots])
    page = ready(open_context().new_page())
    said = verified(page, data)
    assert page.locator(".report article").count() == 2
    for lot in lots:
        assert lot.id in said


@pytest.mark.parametrize(("words", "locale"), [(EN, "en-GB"), (FR, "fr-FR")])
def test_findings_are_told_with_their_figures(season, open_context, words, locale):
    """Each rule in the page's words with its figures as other pages print them; those that say the same stand once."""
    policy = TrustPolicy.parse(device.policy(season.services).encode())
    data = season.services.reader.evidence([_with_findings(season)])
    lot = verify(data, policy).lots[0]
    page = ready(open_context(locale=locale).new_page())
    said = verified(page, data)
    told = set()
    for noted in lot.findings:
        figures = " · ".join(figures_told(words, noted.finding.figures, lot.mineral))
        told.add((noted.finding.rule, figures))
        assert plain(words(f"rule.{noted.finding.rule}")) in said
        assert plain(figures) in said
    own = page.locator("article .marks").first.locator("> li")
    assert own.count() == len(told)
    assert not re.search(r"\[object|undefined|NaN|\bnull\b", said)


def test_a_finding_said_many_times_stands_once(season, open_context, evidence):
    """The same rule with the same figures at many entries: how often, from where to where, and which to unfold."""
    page = open_context().new_page()
    finding = {"rule": "from_zone", "severity": "warning", "figures": [{"name": "type", "value": "closed"}]}
    page.goto("/verify")
    module = address("report.js")
    words_of = address("words-en.js")
    text = page.evaluate(
        """async ([report, catalogue, words, findings]) => {
            const [{ details }, t] = [await import(report), await (await import(words)).words(catalogue)];
            const shown = details(t, { report: { verdict: "cannot tell", lots: [], findings }, about: { opened: [], sealed: {} } }, 0);
            document.body.append(...shown);
            return shown[1].innerText;
        }""",
        [module, words_of, address("words.js"), [{**finding, "entry": entry} for entry in range(1490, 1514)]],
    )
    assert "24 times, entries 1,490 to 1,513" in plain(text)
    assert text.count("Which entries") == 1


def changed(evidence: bytes, change: Callable[[dict], None]) -> bytes:
    """The file rewritten in its one form, with a change."""
    file = json.loads(evidence)
    change(file)
    return canonical.dump(file)


def other_payload(file: dict) -> None:
    entry = next(entry for entry in file["entries"] if '"kind":"transfer"' in entry["payload"])
    entry["payload"] = entry["payload"].replace('"mode":"', '"mode":"x', 1)


def other_value(file: dict) -> None:
    entry = next(entry for entry in file["entries"] if "disclosures" in entry)
    entry["disclosures"][0][2] = {"name": "somebody else"}


SPOILED = {
    "cut off": (lambda evidence: evidence[:-40], 1, None),
    "one space more": (lambda evidence: evidence.replace(b"{", b"{ ", 1), 1, None),
    "an entry left out": (lambda evidence: changed(evidence, lambda file: file["entries"].pop(9)), 3, None),
    "a payload changed": (lambda evidence: changed(evidence, other_payload), 3, None),
    "another value disclosed": (lambda evidence: changed(evidence, other_value), 8, "entry"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_file_says_which_step_failed(season, open_context, evidence, what):
    """In red, the step the core names, on the entry it names, and nothing of what the file says about ore."""
    spoil, step, about = SPOILED[what]
    data = spoil(evidence)
    told = verify(data, TrustPolicy.parse(device.policy(season.services).encode()))
    assert told.steps[-1].number == step
    page = ready(open_context().new_page())
    said = verified(page, data)
    assert page.locator(".verdict .mark.broken").count() == 1
    assert plain(EN("check.failed_at", number=step, title=EN(f"check.step.{step}"))) in said
    assert plain(EN(f"check.means.{step}")) in said
    if about:
        index = told.why.split(":")[0].removeprefix("entry ")
        assert f"Entry {index}: " in said
    assert page.locator(".steps .verified").count() == step - 1
    assert page.locator(".steps .broken").count() == 1
    assert page.locator(".report article").count() == 0


def test_whom_to_believe_is_the_readers_to_say(season, open_context, evidence):
    """By a policy of another log it fails at step 2; by his own of this log it holds; what is no policy is refused."""
    page = ready(open_context().new_page())
    page.check("#trust-own")
    page.set_input_files("#file", {"name": OURS, "mimeType": "", "buffer": evidence})
    page.wait_for_selector("#status .broken")
    assert plain(EN("check.policy_missing")) in plain(page.inner_text("#status"))

    def by(policy: bytes) -> str:
        page.evaluate(
            "document.getElementById('verdict').replaceChildren(); document.getElementById('status').replaceChildren()"
        )
        page.set_input_files("#policy", {"name": "policy.txt", "mimeType": "text/plain", "buffer": policy})
        page.wait_for_selector(".verdict, #status .broken")
        return plain(page.inner_text("main"))

    stranger = Signer("season.example.org/pages", bytes(range(1, 33))).verifier
    assert plain(EN("check.means.2")) in by(TrustPolicy.without_witnesses([stranger]).encode())
    assert EN("check.verdict.holds") in by(device.policy(season.services).encode())
    assert "This is no trust policy: " in by(b"log somebody\n")


def test_the_page_needs_no_network_once_it_is_open(season, open_context, evidence):
    """With the network cut it verifies as before, and still refuses what is spoiled."""
    context = open_context()
    page = ready(context.new_page())
    page.wait_for_load_state("networkidle")
    context.set_offline(True)
    assert EN("check.verdict.holds") in verified(page, evidence)
    assert EN("check.verdict.failed") in verified(page, evidence[:-40])


def test_a_verifier_that_does_not_load_verifies_nothing(open_context, evidence):
    """Where the module is kept from the page, it says so and claims nothing."""
    page = open_context().new_page()
    page.route("**/assets/verifier-*.js", lambda route: route.abort())
    page = ready(page)
    said = verified(page, evidence)
    assert plain(EN("check.no_verifier")) in said
    assert page.locator(".verified").count() == 0


def test_without_script_the_page_says_what_does_the_same(open_context):
    """No form that could not work: a sentence, and the command that verifies anywhere."""
    page = open_context(java_script_enabled=False).new_page()
    page.goto("/verify")
    assert plain(EN("check.needs")) in plain(page.inner_text("main"))
    assert not page.is_visible("#file")


@pytest.mark.parametrize(
    ("locale", "viewport", "scheme"), [("en-GB", PHONE, "light"), ("fr-FR", DESK, "dark")]
)
def test_axe_finds_nothing_about_what_was_verified(open_context, evidence, locale, viewport, scheme):
    """Before, after, and after a failure; and nothing is wider than the screen or smaller than 16 px."""
    page = ready(
        open_context(locale=locale, viewport=viewport, color_scheme=scheme, bypass_csp=True).new_page()
    )
    for data in (None, evidence, evidence[:-40]):
        if data:
            verified(page, data)
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


# A PDF that carries the file


def attached(data: bytes, name: str = OURS) -> bytes:
    """A PDF written by another program, with an attachment."""
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 200)
    document.new_attachment(name).set_data(data)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def by_hand(
    data: bytes, *, filters: str = "", packed: bool = False, name: bytes = b"(x.evidence.json)"
) -> bytes:
    """A PDF as others write it: a stream by these filters, the file specification perhaps in an object stream."""
    for each in reversed(filters.split()):
        data = {"FlateDecode": zlib.compress, "ASCII85Decode": to_85, "ASCIIHexDecode": to_hex}[each](data)
    chain = "".join(f"/{each}" for each in filters.split())
    stream = b"3 0 obj <</Type/EmbeddedFile/Filter[%s]/Length 9 0 R>>\nstream\r\n%s\r\nendstream endobj\n" % (
        chain.encode(), data,
    )  # fmt: skip
    specification = b"<</Type/Filespec/F %s/UF %s/EF<</F 3 0 R>>>>" % (name, name)
    if packed:
        inside = b"7 0 " + specification
        body = zlib.compress(inside)
        spec = b"8 0 obj <</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>> stream\n%s\nendstream endobj\n" % (
            len(body), body,
        )  # fmt: skip
    else:
        spec = b"7 0 obj %s endobj\n" % specification
    return b"%%PDF-1.7\n1 0 obj <</Type/Catalog>> endobj\n%s%s9 0 obj %d endobj\n%%%%EOF\n" % (
        stream,
        spec,
        len(data),
    )


def to_85(data: bytes) -> bytes:
    return base64.a85encode(data) + b"~>"


def to_hex(data: bytes) -> bytes:
    return data.hex().encode() + b">"


PDFS = {
    "by another program": attached,
    "plain": by_hand,
    "deflated": lambda data: by_hand(data, filters="FlateDecode"),
    "in base 85 and deflated": lambda data: by_hand(data, filters="ASCII85Decode FlateDecode"),
    "in hex": lambda data: by_hand(data, filters="ASCIIHexDecode"),
    "named in an object stream": lambda data: by_hand(data, filters="FlateDecode", packed=True),
    "with a name in UTF-16": lambda data: by_hand(
        data, name=b"<FEFF%s>" % "preuve é.evidence.json".encode("utf-16-be").hex().encode()
    ),
}


def test_a_pdf_brings_the_file_it_carries(open_context, evidence):
    """However the stream is written, what is verified is the attachment; a spoiled one fails like a spoiled file."""
    page = ready(open_context().new_page())
    for what, write in PDFS.items():
        said = verified(page, write(evidence), "shipment.pdf")
        assert EN("check.verdict.holds") in said, what
        assert ".evidence.json, out of shipment.pdf" in said, what
        page.evaluate("document.getElementById('verdict').replaceChildren()")
    assert EN("check.verdict.failed") in verified(page, by_hand(evidence[:-40]), "shipment.pdf")


@pytest.mark.parametrize(
    ("pdf", "says"),
    [
        (by_hand(b"{}", name=b"(picture.png)"), "carries no evidence"),
        (b"%PDF-1.7\ntrailer <</Encrypt 4 0 R>>\n%%EOF", "encrypted"),
        (by_hand(b"{}").replace(b"[]", b"/LZWDecode"), "a stream by LZWDecode"),
        (by_hand(b"{}", filters="FlateDecode").replace(b"stream\r\nx", b"stream\r\ny"), "cannot be inflated"),
        (by_hand(b"{}").replace(b"3 0 obj", b"4 0 obj"), "named and not there"),
        (b"%PDF-1.7\n" + b"1 0 obj " * 5000, "carries no evidence"),
    ],
)
def test_a_pdf_without_evidence_is_told(open_context, pdf, says):
    """None, one that is locked, one that is damaged: what is the matter, and what to ask for."""
    page = ready(open_context().new_page())
    said = verified(page, pdf, "letter.pdf")
    assert says in said
    assert "Ask for the evidence file itself." in said
    assert page.locator(".verdict").count() == 0


# A lot's page


def told(page: Page, path: str) -> str:
    """What the reader's device says of a page, once it knows."""
    page.goto(path)
    page.wait_for_selector("#device [role=status]:not([aria-busy])")
    page.evaluate("document.querySelectorAll('#device details').forEach(each => { each.open = true })")
    return plain(page.inner_text("#device"))


@pytest.mark.parametrize(("words", "locale"), [(EN, "en-GB"), (FR, "fr-FR")])
def test_a_lots_page_is_verified_and_compared(season, open_context, lot_id, evidence, words, locale):
    """Only after all steps held and every fact agreed does the page say so; each fact with its sign."""
    page = open_context(locale=locale).new_page()
    said = told(page, f"/lots/{lot_id}")
    entries = len(json.loads(evidence)["entries"])
    assert plain(words("device.holds", entries)) in said
    assert page.locator("#device .broken").count() == 0
    facts = [plain(text) for text in page.locator("#device td:first-child").all_inner_texts()]
    wanted = ("mineral", "form", "mass_ug", "state", "custodian", "day", "sites", "disputed", "findings")
    assert facts == [plain(words(f"device.fact.{name}")) for name in wanted]
    assert page.locator("#device td .verified").count() == len(wanted)


def test_every_lot_of_the_season_verifies_on_its_page(season, open_context, auditor):
    """No false alarm: held, offered, exported, ended, used, disputed, foreign or corrected, what is shown agrees."""
    page = open_context(auditor).new_page()
    seen: set[tuple] = set()
    for lot in season.records("lot").values():
        kind = (lot.state, lot.origin, bool(lot.disputed), bool(lot.place.finding_count), lot.mineral)
        if kind in seen:
            continue
        seen.add(kind)
        said = told(page, f"/lots/{lot.id}")
        assert "agrees with" in said, (lot.id, kind, said)
    assert len(seen) > 10


LIES = {
    "mass_ug": lambda lot: {"expected_ug": lot.expected_ug + 10_000_000_000},
    "custodian": lambda lot: {"custodian": lot.custodian[::-1]},
    "form": lambda lot: {"form": "ore"},
    "disputed": lambda lot: {"disputed": (lot.maker,)},
}
"""What is written over a stored lot, by the fact that the page then states wrongly."""


@pytest.mark.threat("T43")
@pytest.mark.parametrize("fact", LIES)
def test_a_page_that_lies_turns_red(season, open_context, lot_id, fact):
    """The stored lot is changed behind the ledger's back: its page says what was signed, and not to rely on it."""
    lot = season.services.reader.lot(lot_id)
    lie = msgspec.structs.replace(lot, **LIES[fact](lot))
    assert lie != lot
    page = open_context().new_page()
    store = season.services.store
    with store.write() as view:
        view.run("UPDATE lot SET value = ? WHERE no = ?", pack_lot(lie), lot.place.number)
    try:
        said = told(page, f"/lots/{lot_id}")
    finally:
        with store.write() as view:
            view.run("UPDATE lot SET value = ? WHERE no = ?", pack_lot(lot), lot.place.number)
    assert plain(EN("device.differs")) in said
    assert page.locator("#device [role=status] .broken").count() == 1
    row = page.locator("#device tr", has=page.locator("td .broken"))
    assert plain(EN(f"device.fact.{fact}")) in plain(row.first.inner_text())
    assert "agrees with" not in said
    assert "agrees with" in told(page, f"/lots/{lot_id}")


def test_a_page_that_hides_a_finding_turns_red(season, open_context, auditor):
    """A finding that follows from the signed entries and that the page does not show is told."""
    page = open_context(auditor).new_page()

    def hide(route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(_found(answer.text()), "{}"))

    lot = _with_findings(season)
    assert "agrees with" in told(page, f"/lots/{lot}")
    page.route(f"**/lots/{lot}", hide)
    said = told(page, f"/lots/{lot}")
    assert plain(EN("device.differs")) in said
    assert "that this page does not show" in said


def _found(html: str) -> str:
    """The findings as a page states them for the reader's device."""
    return html.split("&#34;findings&#34;:")[1].split("}", maxsplit=1)[0] + "}"


def _with_findings(season) -> str:
    """A lot of whose findings some can be worked out again from its evidence."""
    policy = TrustPolicy.parse(device.policy(season.services).encode())
    for lot in season.records("lot").values():
        if lot.place.finding_count:
            report = verify(season.services.reader.evidence([lot.id]), policy)
            if report.lots[0].findings:
                return lot.id
    raise AssertionError("no lot with findings of its own")


def test_a_page_older_than_the_evidence_is_no_lie(season, open_context, lot_id):
    """Where the lot has moved since the page was loaded, the reader is told to load it again, and nothing is red."""
    page = open_context().new_page()
    turns = []

    def older(route) -> None:
        turns.append(route.request.resource_type)
        answer = route.fetch()
        text = answer.text()
        route.fulfill(
            response=answer,
            body=text.replace("&#34;state&#34;:&#34;held", "&#34;state&#34;:&#34;offered")
            if len(turns) == 1
            else text,
        )

    page.route(f"**/lots/{lot_id}", older)
    said = told(page, f"/lots/{lot_id}")
    assert plain(EN("device.moved")) in said
    assert turns == ["document", "fetch"]
    assert page.locator("#device [role=status] .broken").count() == 0


def test_spoiled_evidence_on_a_lots_page_is_red(season, open_context, lot_id, evidence):
    """What the server gives for evidence and does not verify: the step that failed, and the file to keep."""
    page = open_context().new_page()
    bad = changed(evidence, other_payload)
    page.route("**/evidence", lambda route: route.fulfill(body=bad, content_type="application/json"))
    said = told(page, f"/lots/{lot_id}")
    assert plain(EN("device.failed")) in said
    assert "Step 3 failed" in said
    with page.expect_download() as download:
        page.click("#device a[download]")
    assert download.value.path().read_bytes() == bad


def test_evidence_that_does_not_come_verifies_nothing(open_context, lot_id):
    """No answer, no claim: it was not verified, why, and a button to try again."""
    page = open_context().new_page()
    page.route("**/evidence", lambda route: route.abort())
    said = told(page, f"/lots/{lot_id}")
    assert "Not verified: the evidence could not be fetched" in said
    page.unroute("**/evidence")
    page.click("#device button")
    page.wait_for_selector("#device [role=status] .verified")


def test_without_script_a_page_says_that_nothing_was_verified_here(season, open_context, lot_id):
    """Lot and tag alike: read well, and claim nothing."""
    page = open_context(java_script_enabled=False).new_page()
    for path in (f"/lots/{lot_id}", f"/t/{season.tag('drum')}"):
        page.goto(path)
        said = plain(page.inner_text("#device"))
        assert plain(EN("device.not")) in said
        assert plain(EN("device.needs")) in said


# What a device remembers


def remember(page: Page, **what) -> None:
    """Gives this device another memory of the log."""
    page.evaluate(
        "what => localStorage.setItem('log', JSON.stringify({...JSON.parse(localStorage.getItem('log')), ...what}))",
        what,
    )


def test_a_device_remembers_the_log_and_sees_that_it_went_on(season, open_context):
    """First seen, then seen again: a tag's page says which, and never that the story was verified."""
    page = open_context().new_page()
    path = f"/t/{season.tag('drum')}"
    said = told(page, path)
    assert plain(EN("device.log_first")) in said
    assert plain(EN("device.tag_not")) in said
    kept = json.loads(page.evaluate("localStorage.getItem('log')"))
    assert kept["note"].encode() == season.client.get("/checkpoint").content
    assert "It contains all this device has seen of the log" in told(page, path)
    with season.services.store.read() as view:
        root = view.root_at(kept["size"] - 20)
    remember(page, size=kept["size"] - 20, root=root.hex())
    assert "It contains all this device has seen of the log" in told(page, path)


@pytest.mark.threat("T34")
@pytest.mark.parametrize(
    ("memory", "says"),
    [
        ({"size": 300, "root": "ab" * 32}, "no longer contains"),
        ({"root": "ab" * 32}, "no longer contains"),
        ({"size": 100_000}, "shorter than this device saw it"),
        ({"key": "season.example.org/pages+01234567+AAAA"}, "another key for its log"),
    ],
)
def test_another_log_under_the_same_address_is_red(season, open_context, lot_id, memory, says):
    """A device that saw another past, a longer log or another key says so on tag and lot pages, and what to do."""
    page = open_context().new_page()
    tag, lot = f"/t/{season.tag('drum')}", f"/lots/{lot_id}"
    told(page, tag)
    remember(page, **memory)
    for path in (tag, lot):
        said = told(page, path)
        assert says in said, path
        assert page.locator("#device [role=status] .broken").count() == 1, path
        assert page.locator("#device .verified").count() == 0, path
    kept = json.loads(page.evaluate("localStorage.getItem('log')"))
    assert {name: kept[name] for name in memory} == memory, "what was seen before is not overwritten"


@pytest.mark.threat("T47")
def test_a_proxy_that_ignores_the_query_is_noticed(season, open_context, lot_id):
    """What was kept as the proof between two other sizes proves nothing here: the page is red, as for another log."""
    page = open_context().new_page()
    path = f"/lots/{lot_id}"
    told(page, path)
    newest = json.loads(page.evaluate("localStorage.getItem('log')"))["size"]
    with season.services.store.read() as view:
        root = view.root_at(newest - 20)
    kept = season.client.get(f"/v1/log/consistency?first={newest - 40}&second={newest}").content
    remember(page, size=newest - 20, root=root.hex())
    page.route(
        "**/v1/log/consistency*", lambda route: route.fulfill(body=kept, content_type="application/json")
    )
    assert "no longer contains" in told(page, path)
    assert page.locator("#device .verified").count() == 0
    page.unroute("**/v1/log/consistency*")
    assert "It contains all this device has seen of the log" in told(page, path)


def test_the_verify_page_knows_the_key_again(season, open_context, evidence):
    """A file that holds under the key this site names now, on a device that knows another: the warning comes first."""
    page = open_context().new_page()
    told(page, f"/t/{season.tag('drum')}")
    remember(page, key="season.example.org/pages+01234567+AAAA")
    said = verified(ready(page), evidence)
    assert "another key for its log" in said
    page.click("#verdict button")
    assert page.evaluate("localStorage.getItem('log')") is None
