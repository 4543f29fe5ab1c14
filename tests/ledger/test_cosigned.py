"""Cosignatures in the ledger's tables: under the published checkpoint of their size, and the newest quorum beside it."""

from sending import recorded, traders

from traceability.core.checkpoint import Checkpoint
from traceability.core.cosignature import Cosigner, cosignature_time
from traceability.core.note import add_signatures, parse_note
from traceability.ledger import fsck, publish
from trade import produce

WITNESSES = [Cosigner(f"w{number}.example", bytes([number]) * 32) for number in (1, 2)]


def published(store) -> tuple[int, bytes, Checkpoint]:
    with store.read() as view:
        size, note = view.checkpoint()
    return size, bytes(note), Checkpoint.parse(parse_note(bytes(note))[0])


def test_lines_go_under_the_checkpoint_of_their_size(ledger, office):
    """A newer line of one witness takes the place of its older one; what is not the newest size any more stays out."""
    (miner,) = traders(ledger, office, "miner")
    size, own, head = published(ledger.store)
    one, other = WITNESSES
    publish.add_signatures(ledger.store, size, [one.cosign(head, 1000)])
    publish.add_signatures(ledger.store, size, [other.cosign(head, 1001)])
    publish.add_signatures(ledger.store, size, [one.cosign(head, 1002)])
    text, lines = parse_note(published(ledger.store)[1])
    assert own.startswith(text.encode())
    assert [(line.name, cosignature_time(line)) for line in lines[1:]] == [
        ("w2.example", 1001),
        ("w1.example", 1002),
    ]
    recorded(ledger, produce(miner, "1"))
    newer = published(ledger.store)
    publish.add_signatures(ledger.store, size, [one.cosign(head, 1003)])
    assert published(ledger.store) == newer


def test_the_newest_quorum_is_kept_and_never_a_smaller_one(ledger, office, guard):
    """It outlives newer checkpoints that wait for witnesses, may get newer times, and is checked by fsck."""
    (miner,) = traders(ledger, office, "miner")
    kept = []
    for time in (1000, 2000):
        size, note, head = published(ledger.store)
        kept.append((size, add_signatures(note, [WITNESSES[0].cosign(head, time)])))
        recorded(ledger, produce(miner, "1"))

    def cosigned() -> tuple[int, bytes] | None:
        with ledger.store.read() as view:
            found = view.cosigned()
        return None if found is None else (found[0], bytes(found[1]))

    assert cosigned() is None
    for written, found in ((kept[1], kept[1]), (kept[0], kept[1])):
        publish.keep_cosigned(ledger.store, *written)
        assert cosigned() == found
    again = add_signatures(kept[1][1], [WITNESSES[1].cosign(head, 3000)])
    publish.keep_cosigned(ledger.store, kept[1][0], again)
    assert cosigned() == (kept[1][0], again)
    assert fsck.check(ledger.store, guard).verdict == "good"
    with ledger.store.write() as view:
        view.run("UPDATE cosigned SET size = size - 1")
    report = fsck.check(ledger.store, guard)
    assert [damage.table for damage in report.damages] == ["cosigned"]
