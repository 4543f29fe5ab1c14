"""The log over HTTP: whoever has no code of ours can fetch the tree, rebuild it and check our proofs."""

import hashlib
import itertools
import json

import metamorphic_log
import pytest
from test_submit import problem
from world import submission

import reference
from traceability.core.ids import unpadded
from trade import LOG, LOG_SIGNER, Pen, produce

VKEY = LOG_SIGNER.verifier.encode()


@pytest.fixture(scope="module")
def grown(served):
    """A log of more than two full tiles."""
    world, _, client = served
    pens = [Pen(f"grower {number}") for number in range(4)]
    world.take(*(world.office.enrol(pen, "miner") for pen in pens))
    older = client.get("/checkpoint").text
    events = [produce(pen, "1") for _ in range(140) for pen in pens]
    answers = world.take(*events)
    return older, events, answers


def index_path(n: int) -> str:
    digits = str(n).zfill(-(-len(str(n)) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*("x" + group for group in groups[:-1]), groups[-1]])


def fetch_leaves(client, size: int) -> list[bytes]:
    """Leaves out of entry bundles, as tlog-tiles says, their hashes compared with the level-0 tiles."""
    leaves = []
    for n in range(-(-size // 256)):
        width = min(256, size - n * 256)
        partial = "" if width == 256 else f".p/{width}"
        bundle = client.get(f"/tile/entries/{index_path(n)}{partial}").content
        tile = client.get(f"/tile/0/{index_path(n)}{partial}").content
        found = []
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            found.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
        assert b"".join(hashlib.sha256(b"\x00" + leaf).digest() for leaf in found) == tile
        assert len(found) == width
        leaves += found
    return leaves


def test_the_tree_of_tiles_has_the_checkpoints_root(served, grown):
    """Bundles and tiles of every level agree with each other and with the signed root, by the RFC's recursion."""
    _, _, client = served
    head = metamorphic_log.checkpoint_verify(client.get("/checkpoint").text, [VKEY])
    assert head.origin == LOG
    leaves = fetch_leaves(client, head.size)
    assert reference.mth(leaves) == head.root
    above = [reference.mth(leaves[at : at + 256]) for at in range(0, head.size - head.size % 256, 256)]
    partial = client.get(f"/tile/1/000.p/{len(above)}").content
    assert partial == b"".join(above)


def test_another_program_follows_our_proofs(served, grown):
    """metamorphic-log verifies the checkpoint, each answer's inclusion, and consistency with the older one."""
    _, _, client = served
    older, _, answers = grown
    newer = client.get("/checkpoint").text
    head = metamorphic_log.checkpoint_verify(newer, [VKEY])
    leaves = fetch_leaves(client, head.size)
    old = metamorphic_log.checkpoint_verify(older, [VKEY])
    proof = reference.proof(old.size, leaves)
    metamorphic_log.checkpoint_verify_consistency(older, newer, [VKEY], proof)
    for recorded in itertools.islice(answers, 0, None, 97):
        answer = client.post("/v1/events", json={"envelope": json.loads(recorded.entry)["envelope"]}).json()
        index, proof = answer["index"], [unpadded(node) for node in answer["proof"]]
        entry = hashlib.sha256(
            b"traceability/leaf/v1\n" + unpadded(answer["blind"]) + answer["entry"].encode()
        )
        leaf = hashlib.sha256(b"\x00\x01" + entry.digest()).digest()
        metamorphic_log.checkpoint_verify_inclusion(answer["checkpoint"], [VKEY], index, leaf, proof)
        spoiled = hashlib.sha256(leaf).digest()
        with pytest.raises(metamorphic_log.VerifyError):
            metamorphic_log.checkpoint_verify_inclusion(answer["checkpoint"], [VKEY], index, spoiled, proof)


def test_who_remembers_a_checkpoint_is_shown_that_the_log_still_contains_it(served, grown):
    """The proof is the textbook's for any two sizes, another program takes it, and sizes that are not are not there."""
    _, _, client = served
    older = grown[0]
    newer = client.get("/checkpoint").text
    leaves = fetch_leaves(client, metamorphic_log.checkpoint_verify(newer, [VKEY]).size)
    old = metamorphic_log.checkpoint_verify(older, [VKEY])
    for first, second in ((old.size, len(leaves)), (1, 2), (7, 300), (len(leaves), len(leaves))):
        answer = client.get("/v1/log/consistency", params={"first": first, "second": second}).json()
        assert answer["proof"] == [node.hex() for node in reference.proof(first, leaves[:second])]
        assert (answer["first"], answer["second"]) == (first, second)
    proof = client.get("/v1/log/consistency", params={"first": old.size, "second": len(leaves)}).json()[
        "proof"
    ]
    nodes = [bytes.fromhex(node) for node in proof]
    metamorphic_log.checkpoint_verify_consistency(older, newer, [VKEY], nodes)
    for first, second in ((2, 1), (1, len(leaves) + 1), (len(leaves) + 1, len(leaves) + 1)):
        failed = client.get("/v1/log/consistency", params={"first": first, "second": second})
        assert problem(failed) == (404, "not_here")
    assert client.get("/v1/log/consistency", params={"first": 0, "second": 1}).status_code == 400


def test_every_partial_tile_there_ever_was_is_served(served, grown):
    """For each width up to the full tile: the first hashes of it, and 404 beyond."""
    _, _, client = served
    full = client.get("/tile/0/000").content
    for width in (1, 2, 100, 255):
        assert client.get(f"/tile/0/000.p/{width}").content == full[: width * 32]
    size = metamorphic_log.checkpoint_verify(client.get("/checkpoint").text, [VKEY]).size
    n, rest = divmod(size, 256)
    assert client.get(f"/tile/0/{index_path(n)}.p/{rest}").status_code == 200
    for absent in (
        f"/tile/0/{index_path(n)}.p/{rest + 1}",
        f"/tile/0/{index_path(n)}",
        f"/tile/0/{index_path(n + 1)}.p/1",
    ):
        assert problem(client.get(absent)) == (404, "not_here")


@pytest.mark.threat("T47")
def test_types_and_caching_are_as_tlog_tiles_wants(served, grown):
    """Tiles are octets for ever; the checkpoint is UTF-8 text for a moment."""
    _, _, client = served
    checkpoint = client.get("/checkpoint")
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["cache-control"] == "public, max-age=2"
    for path in ("/tile/0/000", "/tile/0/000.p/7", "/tile/entries/000"):
        answer = client.get(path)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert client.head(path).headers["content-length"] == str(len(answer.content))
    assert client.get("/tile/0/999").headers["cache-control"] == "no-store"


@pytest.mark.threat("T73")
@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/0", "/tile/0/x000/000", "/tile/0/00", "/tile/00/000", "/tile/64/000", "/tile/-1/000", "/tile/0/000.p/0",
        "/tile/0/000.p/256", "/tile/0/000.p/01", "/tile/0/000.p/", "/tile/0/000/", "/tile/entries", "/tile/",
        "/tile/0/000%00", "/tile/0/..%2f..%2fcheckpoint", "/tile/0/%30%30%30%0a", "/tile/0/999/999/999/999/999/999/999/999",
        "/tile/0/x999/x999/x999/x999/x999/x999/999", "/tile/63/000", "/tile/data/000", "/tile/0/٠٠٠",
    ],
)  # fmt: skip
def test_what_is_no_tile_is_404(served, path):
    """Other spellings, other levels, other widths, and paths that want out."""
    _, _, client = served
    assert problem(client.get(path)) == (404, "not_here")


def test_the_log_says_what_it_is(served, grown):
    """Origin, key, size and root, as the checkpoint has them."""
    _, _, client = served
    said = client.get("/v1/log").json()
    head = metamorphic_log.checkpoint_verify(said["checkpoint"], [said["vkey"]])
    assert (said["origin"], said["size"], bytes.fromhex(said["root"])) == (head.origin, head.size, head.root)
    assert said["vkey"] == VKEY
    assert said["signing"] is True
    assert said["quorum"] == 0
    assert "demo" not in said


def test_health_and_metrics(served, grown):
    """Alive, ready and counted; counters speak of routes, never of paths."""
    world, _, client = served
    assert client.get("/livez").text == "alive\n"
    assert client.get("/readyz").json() == {"size": world.size(), "signing": True}
    client.get("/v1/tags/K7QF3M9TXB2R1")
    client.post("/v1/events", content=b"x", headers={"Content-Type": "application/json"})
    again = produce(world.anna, "1")
    for status in (201, 200):
        assert client.post("/v1/events", json=submission(again)).status_code == status
    text = client.get("/metrics").text
    assert f"traceability_log_size {float(world.size())}" in text
    assert "traceability_signing 1.0" in text
    assert 'route="/v1/tags/{code}"' in text
    for answer in ("taken", "known", "malformed"):
        assert f'traceability_events_total{{answer="{answer}"}}' in text
    assert "K7QF" not in text
    assert "traceability_faults_total 0.0" in text
