"""A few days, told with events: the table at the end of the event list, row by row, with its own figures.

`Days.tell` gives every event in the order of its day. An event that stands in the table carries the name of
its row; the others (enrolments, deliveries) are what the rows take for granted.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from traceability.core.ids import EventId, LotId, RollId, SiteId, derive
from traceability.simulation import names, places
from traceability.simulation.cast import Cast, Office, genesis
from traceability.simulation.chance import Chance, named_nonce
from traceability.simulation.handing import ids
from traceability.simulation.pen import OFFICE, Lot, World, Written
from traceability.simulation.people import delegate, paper
from traceability.simulation.post import Post, Signed

YEAR = 2026
OFFICES = (
    Office("registry", "Mines Registry – Kigali", places.KIGALI, ("registrar", "regulator", "tag_issuer")),
    Office("police", "Mines Police", places.KIGALI, ("inspectorate",)),
    Office("certifier", "Certification Bureau", places.KIGALI, ("certifier",)),
)
_PEOPLE = (
    ("agent", "Tagging team – Ngororero", places.NGORORERO, "tag_agent"),
    ("cooperative", "Koperative Umurimo – Ngororero", places.NGORORERO, "miner"),
    ("others", "Koperative Ubumwe – Gakenke", places.GAKENKE, "miner"),
    ("washers", "Coopérative Bê-oko – Bozoum", places.BOZOUM, "miner"),
    ("trader", "Isuka Traders", places.MUHANGA, "trader"),
    ("bidder", "Imbaraga Minerals", places.KIGALI, "trader"),
    ("processor", "Agaseke Concentrators", places.KIGALI, "processor"),
    ("laboratory", "Analytica Laboratory", places.KIGALI, "laboratory"),
    ("exporter", "Agaseke Minerals Ltd", places.KIGALI, "exporter"),
    ("importer", "Selat Tin Smelting Sdn. Bhd.", places.BUTTERWORTH, "importer"),
    ("collector", "Collecteur agréé Carnot", places.CARNOT, "trader"),
    ("house", "Pierres et Or du Fleuve", places.BANGUI, "processor"),
)
_UNSOURCED = ("approval", "correction", "delegation", "site_registration", "tag_allocation", "tag_issue")


class Told(NamedTuple):
    """One event; `row` is day and kind of its row in the table, empty for what the table takes for granted."""

    row: str
    signed: Signed


def mass(value: str, unit: str = "KGM") -> dict[str, str]:
    """A quantity as typed."""
    return {"unit": unit, "value": value}


def weighed(value: str, unit: str = "KGM", basis: str = "measured", **more: Any) -> dict[str, Any]:
    """A weighing as typed."""
    return {"net": mass(value, unit), "basis": basis, **more}


class Days:
    """The few days: their people, and by name the lots as they go along."""

    def __init__(self, *, seed: int, log: str, log_vkey: str) -> None:
        self.lots: dict[str, list[Lot]] = {}
        self._sites: dict[str, SiteId] = {}
        self._certificate = Written(EventId(""), 0)
        self._world = World(seed, log, Chance(seed), Post(), 0)
        self._at(1, 8, 7)
        self._cast: Cast = genesis(self._world, log_vkey, OFFICES)

    def party(self, name: str) -> str:
        """The id of somebody by name."""
        return self._cast[name].id

    def tell(self) -> Iterator[Told]:
        """Every event of the table and those between, in order of time."""
        for rows in (
            self._people(),
            self._tags(),
            self._stones_bought(),
            self._bags(),
            self._washed(),
            self._delivered(),
            self._stones_sorted(),
            self._drums(),
            self._gold(),
            self._seized(),
            self._certified(),
            self._shipped(),
            self._bid(),
            self._arrived(),
        ):
            for row in rows:
                for signed in self._world.post.until():
                    yield Told(row, signed)

    # The rows

    def _people(self) -> Iterator[str]:
        for number, (name, says, place, role) in enumerate(_PEOPLE):
            self._at(1, 12, 6, 5 * number)
            reach = None if name == "cooperative" else OFFICE
            self._cast.enrol(name, says, place, (role,), "registry", reach=reach)
            yield ""
        self._at(1, 14, 8)
        self._site("hill", "cassiterite", "cooperative")
        yield ""
        self._site("far hill", "cassiterite", "others")
        yield ""
        self._site("river", "gold", "washers")
        yield ""
        kinds = ("production", "transfer")
        registry, agent = self._cast["registry"], self._cast["agent"]
        diggers = self._cast["cooperative"]
        diggers.agent = agent.pen
        diggers.delegation = delegate(registry, agent, kinds, f"{YEAR}-12-31", to=diggers).id
        yield ""

    def _tags(self) -> Iterator[str]:
        self._at(2, 1, 8)
        nonce = self._nonce("roll")
        roll_id = RollId(derive("roll", self._cast["registry"].pen.key.id, nonce))
        numbers = {"prefix": "RW", "first": 148_001, "last": 148_500, "digits": 7, "suffix": ""}
        roll = {"roll": roll_id, "nonce": nonce, "scheme": "rmb", "level": "mine", "medium": "barcode"}
        self._write("registry", "tag_issue", {**roll, "count": 500, "numbers": numbers})
        yield "1 Feb tag_issue"
        whom = {"to_site": self._sites["hill"], "to_party": self.party("agent")}
        self._write("registry", "tag_allocation", {"roll": roll_id, "first": 201, "last": 300, **whom})
        yield "1 Feb tag_allocation"

    def _stones_bought(self) -> Iterator[str]:
        self._at(3, 9, 10)
        collector = self.party("collector")
        first = self._new("collector", "stones", ["6.35"], "diamond", "rough", unit="CTM", counts=[14])
        body = {"custodian": collector, "purchase_number": "00412", "lots": first}
        sealed = {"/miner": names.miner(self._world.chance, "CF")}
        self._made("stones", self._write("collector", "production", body, sealed=sealed))
        yield "9 Mar production"
        carats = ["18.20", "17.65", "16.90", "19.05", "17.40", "16.75", "18.35", "17.55"]
        counts = [38, 37, 36, 40, 37, 35, 38, 37]
        more = self._new("collector", "more stones", carats, "diamond", "rough", unit="CTM", counts=counts)
        body = {"custodian": collector, "lots": more}
        self._made("more stones", self._write("collector", "production", body, sealed=sealed))
        self.lots["stones"] += self.lots.pop("more stones")
        yield ""

    def _bags(self) -> Iterator[str]:
        self._at(3, 14, 15)
        kilograms = ["38.40", "41.00", "36.75", "40.20", "39.90", "42.15", "18.60"]
        bags = self._new("agent", "bags", kilograms, "cassiterite", "ore", tags=range(148_217, 148_224))
        written = self._write("cooperative", "production", {"site": self._sites["hill"], "lots": bags})
        self._made("bags", written)
        yield "14 Mar production"
        self._at(3, 15, 9)
        sold = self.lots["bags"][:4]
        price = [{"lots": ids(sold), "price": {"currency": "USD", "value": "1390.00"}}]
        self._offer("cooperative", "trader", sold, sealed={"/prices": price})
        yield "15 Mar transfer"
        self._at(3, 15, 14)
        together = weighed("155.90", lots=ids(sold), gross=mass("157.10"), tare=mass("1.20"))
        self._accept("trader", sold, weighings=[together])
        yield "15 Mar acceptance"
        for hour, value in ((15, "900.00"), (17, "490.00")):
            self._at(3, 15, hour)
            self._pay("trader", sold, value, to="seller", of="price", payee=self.party("cooperative"))
            yield "15 Mar payment"
        self._at(3, 16, 18)
        fields = [{"path": "/lots/6/tags/0", "is": "rmb:RW0148232"}]
        body = {"event": written.id, "reason": "incorrect_data", "fields": fields}
        self._write("agent", "correction", body)
        yield "16 Mar correction"

    def _washed(self) -> Iterator[str]:
        lots = self.lots["bags"][:4]
        self._at(3, 18, 7)
        self._offer("trader", "processor", lots, moves="custody", purpose="processing")
        yield "18 Mar transfer"
        self._at(3, 18, 15)
        broken = [{"lots": [lots[0].id], "seal": "broken"}]
        self._accept("processor", lots, weighings=[weighed("155.20", lots=ids(lots))], conditions=broken)
        yield "18 Mar acceptance"
        self._at(3, 18, 16)
        off = [{"tag": "rmb:RW0148219", "fate": "destroyed"}]
        on = {"tags_off": off, "tags_on": ["rmb:RW0148240"]}
        body = {"lot": lots[2].id, **on, "reason": "burst", "spilled": mass("0.35")}
        self._write("agent", "retagging", body)
        yield "18 Mar retagging"
        self._at(3, 20, 14)
        grade = {"analyte": "sn", "ppm": 682_000, "on": "dry", "method": "lab_xrf"}
        (out,) = self._new("processor", "concentrate", ["118.60"], moisture_ppm=60_000, assays=[grade])
        (rest,) = self._new("processor", "tailings", ["30.00"], form="tailings")
        self._transform(
            "processor",
            lots,
            [out, rest],
            type="processing",
            steps=["wash", "jig", "magnetic"],
            weighings=[weighed("155.20", lots=ids(lots))],
            losses=[{"type": "spillage", "mass": mass("6.60")}],
        )
        yield "20 Mar transformation"
        self._at(3, 21, 9)
        found = {**grade, "ppm": 684_000, "method": "icp", "lots": ids(self.lots["concentrate"])}
        sample = {"number": "S-118", "mass": mass("0.200")}
        body = {"type": "assay", "lots": ids(self.lots["concentrate"]), "sample": sample, "assays": [found]}
        self._write("laboratory", "inspection", body)
        yield "21 Mar inspection"

    def _delivered(self) -> Iterator[str]:
        """Gold dust is dug; the exporter gets 399 bags, and the concentrate, whose title the trader sells."""
        self._at(3, 21, 15)
        sachets = self._new("washers", "sachets", [*["29.40"] * 40, "28.60"], "gold", "dust", unit="GRM")
        written = self._write("washers", "production", {"site": self._sites["river"], "lots": sachets})
        self._made("sachets", written)
        yield ""
        bags: list[Lot] = []
        for turn, number in enumerate((100, 100, 100, 99)):
            self._at(3, 22 + turn, 15)
            new = self._new("others", f"day {turn}", ["24.50"] * number)
            written = self._write("others", "production", {"site": self._sites["far hill"], "lots": new})
            self._made(f"day {turn}", written)
            bags += self.lots.pop(f"day {turn}")
            yield ""
        self.lots["far bags"] = bags
        concentrate = self.lots["concentrate"]
        self._at(3, 26, 8)
        self._offer("trader", "exporter", concentrate, moves="title")
        yield ""
        self._accept("exporter", concentrate, title=True)
        yield ""
        self._at(3, 26, 14)
        self._offer("processor", "exporter", concentrate, moves="custody", purpose="carriage")
        yield ""
        self._accept("exporter", concentrate, weighings=[weighed("118.40", lots=ids(concentrate))])
        yield ""
        self._at(3, 27, 8)
        self._offer("others", "exporter", bags)
        yield ""
        self._accept("exporter", bags, weighings=[weighed("9779.20", lots=ids(bags))])
        yield ""

    def _stones_sorted(self) -> Iterator[str]:
        stones = self.lots["stones"]
        self._at(3, 28, 8)
        self._offer("collector", "house", stones)
        yield ""
        self._accept("house", stones, weighings=[weighed("148.20", "CTM", lots=ids(stones))])
        yield ""
        self._at(3, 30, 11)
        carats = (("-11", "9.40", 96), ("+11", "21.65", 88), ("3 gr", "29.30", 57))
        larger = (("4 gr", "28.10", 35), ("5-6 gr", "30.25", 23), ("boart", "22.40", 9))
        classes = [{"name": name, "mass": mass(ct, "CTM"), "count": n} for name, ct, n in (*carats, *larger)]
        items = [
            {"number": f"P-{n}", "mass": mass(ct, "CTM")} for n, ct in enumerate(("2.71", "2.30", "2.04"))
        ]
        (out,) = self._new("house", "sorted", ["148.15"], "diamond", "sorted", unit="CTM", counts=[311])
        self._transform(
            "house",
            stones,
            [{**out, "classes": classes, "items": items}],
            type="processing",
            steps=["sort"],
            weighings=[weighed("148.20", "CTM", lots=ids(stones))],
            losses=[{"type": "breakage", "mass": mass("0.05", "CTM"), "count": 1}],
        )
        yield "30 Mar transformation"

    def _drums(self) -> Iterator[str]:
        """The royalty on the first four; then four hundred lots: the concentrate, and 399 bags of other diggers."""
        self._at(4, 2, 7)
        receipt = {"authority": "Rwanda Revenue Authority", "receipt_number": "22/118"}
        self._pay("trader", self.lots["bags"][:4], "55.60", to="state", of="royalty", **receipt)
        yield "2 Apr payment"
        self._at(4, 2, 8)
        lots = [*self.lots["concentrate"], *self.lots["far bags"]]
        self._transform(
            "exporter",
            lots,
            self._new("exporter", "heap", ["9900.00"]),
            type="combination",
            weighings=[weighed("9898.40", lots=ids(lots))],
            gain=mass("1.60"),
        )
        yield "2 Apr combination"
        self._at(4, 2, 16)
        self._transform(
            "exporter", self.lots["heap"], self._new("exporter", "drums", ["495.00"] * 20), type="split"
        )
        yield "2 Apr split"

    def _gold(self) -> Iterator[str]:
        self._at(4, 4, 8)
        lots = self.lots["sachets"]
        self._offer("washers", "house", lots)
        yield ""
        self._accept("house", lots, weighings=[weighed("1204.60", "GRM", lots=ids(lots))])
        yield ""
        self._at(4, 5, 10)
        self._transform(
            "house",
            lots,
            self._new("house", "dore", ["1127.90"], "gold", "dore", unit="GRM"),
            type="processing",
            steps=["melt"],
            weighings=[weighed("1204.60", "GRM", lots=ids(lots))],
            losses=[{"type": "slag", "mass": mass("76.70", "GRM")}],
        )
        yield "5 Apr transformation"
        self._at(4, 6, 15)
        dore = ids(self.lots["dore"])
        found = {"analyte": "au", "ppm": 914_200, "on": "as_is", "method": "fire", "lots": dore}
        self._write("laboratory", "inspection", {"type": "assay", "lots": dore, "assays": [found]})
        yield "5 Apr inspection"

    def _seized(self) -> Iterator[str]:
        self._at(4, 7, 11)
        lots = self.lots["bags"][4:]
        how = {"ground": "seizure", "moves": "both", "legal_basis": "mining law, article 54"}
        body = {"lots": ids(lots), "to": self.party("registry"), "report_number": "2026/071", **how}
        self._head(lots, self._write("police", "reassignment", body))
        yield "7 Apr reassignment"

    def _certified(self) -> Iterator[str]:
        self._at(4, 10, 9)
        drums, chance = self.lots["drums"], self._world.chance
        body = {
            "scheme": "icglr",
            "country": "RW",
            "number": "RW 0000417",
            "authority": "Certification Bureau",
            "export_number": "AML-2026-04",
            "lots": ids(drums),
            "exporter": self.party("exporter"),
            "importer": self.party("importer"),
            "mineral": "cassiterite",
            "hs": "2609.00.00",
            "mass": mass("9900.000"),
            "grade": "68.1 % Sn",
            "origins": ["RW"],
            "route": ["RW", "TZ", "MY"],
            "shipment": f"{YEAR}-04-20",
            "verified": f"{YEAR}-04-09",
            "issued": f"{YEAR}-04-10",
            "expires": f"{YEAR}-07-09",
            "file": paper(self._world, "certificate", "application/pdf"),
        }
        officers = {f"/{who}": names.person(chance, "RW") for who in ("verifier", "validator")}
        sealed = {"/value": {"currency": "USD", "value": "121500.00"}, **officers}
        self._certificate = self._write("certifier", "certificate", body, sealed=sealed)
        yield "10 Apr certificate"
        self._at(4, 12, 9)
        approval = {"event": self._certificate.id, "decision": "approved"}
        self._write("certifier", "approval", approval, pen=self._cast["certifier"].pens[1])
        yield "12 Apr approval"

    def _shipped(self) -> Iterator[str]:
        self._at(4, 20, 9)
        drums = self.lots["drums"]
        body = {
            "certificates": [{"certificate": self._certificate.id, "mass": mass("9900.000")}],
            "importer": self.party("importer"),
            "destination": "MY",
            "containers": [{"number": "XTRU4417022", "seals": ["K220417", "K220418"]}],
            "weighings": [weighed("9900.00", basis="counted", lots=ids(drums))],
            "shipped": f"{YEAR}-04-20",
        }
        self._head(drums, self._write("exporter", "export", body, moves=drums))
        yield "20 Apr export"

    def _bid(self) -> Iterator[str]:
        self._at(5, 20, 10)
        self._offer("registry", "bidder", self.lots["bags"][4:])
        yield "20 May transfer"

    def _arrived(self) -> Iterator[str]:
        self._at(6, 2, 4)
        drums = self.lots["drums"]
        grade = {"analyte": "sn", "ppm": 681_000, "on": "dry", "method": "icp", "lots": ids(drums)}
        body = {
            "reported_by": "importer",
            "received": f"{YEAR}-06-02",
            "weighings": [weighed("9872", lots=ids(drums))],
            "moistures": [{"lots": ids(drums), "ppm": 9_000}],
            "assays": [grade],
        }
        self._head(drums, self._write("importer", "import", body, moves=drums))
        yield "2 June import"

    # How they are written

    def _at(self, month: int, day: int, hour: int, minute: int = 0) -> None:
        self._world.now = int(datetime(YEAR, month, day, hour, minute, tzinfo=UTC).timestamp())

    def _nonce(self, *words: object) -> str:
        return named_nonce(self._world.seed, "days", *words)

    def _write(self, name: str, kind: str, body: Mapping[str, Any], **more: Any) -> Written:
        party = self._cast[name]
        said: dict[str, Any] = {"region": party.place.region, **body}
        if kind not in _UNSOURCED:
            said["source"] = "device"
        return party.write(kind, said, signal=self._world.now + 300, **more)

    def _site(self, name: str, mineral: str, holder: str) -> None:
        registry, place = self._cast["registry"], self._cast[holder].place
        nonce = self._nonce("site", name)
        site = SiteId(derive("site", registry.pen.key.id, nonce))
        what = {"type": "site", "mining_method": "artisanal", "activity": "active", "minerals": [mineral]}
        where = {"country": place.country, "region": place.region, "name": f"{place.locality} {name}"}
        body = {"site": site, "nonce": nonce, "holder": self.party(holder), "from": f"{YEAR}-01-14", **what}
        sealed = {"/position": place.near(self._world.chance)}
        self._write("registry", "site_registration", {**body, **where}, sealed=sealed)
        self._sites[name] = site

    def _new(
        self,
        maker: str,
        name: str,
        values: Sequence[str],
        mineral: str = "cassiterite",
        form: str = "concentrate",
        *,
        unit: str = "KGM",
        counts: Sequence[int] = (),
        tags: Sequence[int] = (),
        **more: Any,
    ) -> list[dict[str, Any]]:
        """New lots of these masses; from here on they are known by this name."""
        bodies, lots = [], []
        pen = self._cast[maker].pen
        for place, value in enumerate(values):
            nonce = self._nonce(name, place)
            body = {
                "nonce": nonce,
                "mineral": mineral,
                "form": form,
                "weighing": weighed(value, unit),
                **more,
            }
            if counts:
                body["count"] = counts[place]
            if tags:
                body["tags"] = [f"rmb:RW{tags[place]:07d}"]
            bodies.append(body)
            lots.append(Lot(LotId(derive("lot", pen.key.id, nonce)), mineral, form))
        self.lots[name] = lots
        return bodies

    def _made(self, name: str, written: Written) -> None:
        for lot in self.lots[name]:
            lot.begun(written, lot.title)

    def _head(self, lots: Sequence[Lot], written: Written, *, title: bool = False) -> None:
        for lot in lots:
            if title:
                lot.title_head = written.id
            else:
                lot.head = written.id

    def _offer(self, giver: str, recipient: str, lots: Sequence[Lot], **more: Any) -> None:
        sealed = more.pop("sealed", None)
        moves = {"moves": "both", "purpose": "sale", "accept_by": self._later(14), **more}
        title = moves["moves"] == "title"
        body = {"recipient": self.party(recipient), **moves}
        written = self._write(giver, "transfer", body, moves=lots, title=title, sealed=sealed)
        self._head(lots, written, title=title)

    def _pay(self, payer: str, lots: Sequence[Lot], dollars: str, **more: str) -> None:
        body = {"lots": ids(lots), "direction": "paid", "date": self._later(0), **more}
        amount = {"currency": "USD", "value": dollars}
        self._write(payer, "payment", body, sealed={"/amount": amount})

    def _later(self, days: int) -> str:
        return datetime.fromtimestamp(self._world.now + days * 86400, UTC).date().isoformat()

    def _accept(self, recipient: str, lots: Sequence[Lot], *, title: bool = False, **more: Any) -> None:
        written = self._write(recipient, "acceptance", more, moves=lots, title=title)
        self._head(lots, written, title=title)

    def _transform(
        self, by: str, inputs: Sequence[Lot], outputs: Sequence[Mapping[str, Any]], **more: Any
    ) -> None:
        body = {"share_by": "mass", "outputs": list(outputs), **more}
        written = self._write(by, "transformation", body, moves=inputs)
        made = {derive("lot", self._cast[by].pen.key.id, output["nonce"]) for output in outputs}
        for name, lots in self.lots.items():
            if lots and lots[0].id in made:
                self._made(name, written)
