"""The trust policy: what may stand in it, and whose checkpoints it makes us believe."""

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.core import merkle, note, trust_policy
from traceability.core.checkpoint import Checkpoint
from traceability.core.cosignature import Cosigner
from traceability.core.errors import Invalid, Malformed
from traceability.core.note import Signer, Vkey
from traceability.core.trust_policy import Group, TrustPolicy

VECTORS = Path(__file__).parent / "vectors" / "tlog"
CASES = json.loads((VECTORS / "checkpoint-cases.json").read_text())

ORIGIN = "ledger.example.org/car"
LOG = Signer(ORIGIN, b"log seed, 32 bytes of it exactly")
LOG_LINE = f"log {LOG.verifier.encode()}\n"
HEAD = Checkpoint(ORIGIN, 1, merkle.leaf_hash(b"0"))
TIME = 1_800_000_000
WITNESSES = {name: Cosigner(f"{name}.example", name.encode() * 16) for name in ("X1", "X2", "X3", "Y1", "Y2")}
WITNESS_LINES = "".join(f"witness {name} {key.verifier.encode()}\n" for name, key in WITNESSES.items())
PQ = Vkey("pq.example", 0x06, bytes(1312)).encode()


def signed(*names: str, log: Signer = LOG, checkpoint: Checkpoint = HEAD) -> bytes:
    """The checkpoint as its log and these witnesses signed it."""
    cosignatures = [WITNESSES[name].cosign(checkpoint, TIME) for name in names]
    return note.encode_note(checkpoint.encode(), [log.sign(checkpoint.encode()), *cosignatures])


def parse(text: str) -> TrustPolicy:
    return TrustPolicy.parse(text.encode())


TWO_LEVELS = parse(
    LOG_LINE
    + WITNESS_LINES
    + "group X 2 X1 X2 X3\ngroup Y any Y1 Y2\ngroup X-and-Y all X Y\nquorum X-and-Y\n"
)


def test_a_quorum_of_two_levels_holds_for_exactly_the_right_witnesses():
    """The standard's example: two of the X and one of the Y, over all 32 sets of witnesses."""
    for number in range(6):
        for names in itertools.combinations(WITNESSES, number):
            quorum = TWO_LEVELS.judge(TWO_LEVELS.open_checkpoint(signed(*names)))
            of_x, of_y = (sum(name.startswith(letter) for name in names) for letter in "XY")
            assert quorum.holds == (of_x >= 2 and of_y >= 1)
            assert quorum.cosigned_by == names


@pytest.mark.parametrize(
    ("rest", "enough", "not_enough"),
    [
        ("quorum none\n", [], None),
        ("quorum X2\n", ["X2"], ["X1", "X3", "Y1"]),
        ("group G any X1 Y1\nquorum G\n", ["Y1"], ["X2"]),
        ("group G all X1 Y1\nquorum G\n", ["X1", "Y1"], ["X1", "X2"]),
        ("group G 2 X1 X2 Y1\nquorum G\n", ["X1", "Y1"], ["Y1"]),
        ("group G 1 X1\ngroup H all G\nquorum H\n", ["X1"], []),
        ("group G 1 X1\ngroup H 2 G X2 X3\nquorum H\n", ["X1", "X3"], ["X1"]),
    ],
)
def test_each_form_of_quorum(rest, enough, not_enough):
    """None, one witness, any, all, a number, and groups of groups."""
    policy = parse(LOG_LINE + WITNESS_LINES + rest)
    assert policy.judge(policy.open_checkpoint(signed(*enough))).holds
    if not_enough is not None:
        assert not policy.judge(policy.open_checkpoint(signed(*not_enough))).holds


@pytest.mark.threat("T52")
def test_a_witness_counts_once():
    """Two cosignatures of one witness, at two times, are one witness."""
    policy = parse(LOG_LINE + WITNESS_LINES + "group G 2 X1 X2\nquorum G\n")
    twice = note.add_signatures(signed("X1"), [WITNESSES["X1"].cosign(HEAD, TIME + 1)])
    quorum = policy.judge(policy.open_checkpoint(twice))
    assert not quorum.holds
    assert quorum.cosigned_by == ("X1",)


def test_only_the_policys_logs_are_believed():
    """Another key under the same origin, another origin, and no log at all."""
    policy = TrustPolicy.without_witnesses([LOG.verifier])
    assert policy.open_checkpoint(signed()).checkpoint == HEAD
    stranger = Signer(ORIGIN, b"a different seed, 32 bytes of it")
    with pytest.raises(Invalid, match="no key that the trust policy has"):
        policy.open_checkpoint(signed(log=stranger))
    elsewhere = Checkpoint("ledger.example.org/cat", 1, HEAD.root)
    with pytest.raises(Invalid, match="not in the trust policy"):
        policy.open_checkpoint(signed(checkpoint=elsewhere))
    with pytest.raises(Invalid, match="not in the trust policy"):
        parse("quorum none\n").open_checkpoint(signed())
    with pytest.raises(Malformed):
        policy.open_checkpoint(b"ledger.example.org/car\n")


def test_a_log_does_not_sign_for_another_log_of_the_policy():
    """With two logs in the policy, each key is good for its own origin only."""
    other = Signer("ledger.example.org/cod", b"a different seed, 32 bytes of it")
    policy = TrustPolicy.without_witnesses([LOG.verifier, other.verifier])
    assert policy.open_checkpoint(signed()).checkpoint.origin == ORIGIN
    with pytest.raises(Invalid):
        policy.open_checkpoint(signed(log=other))


@pytest.mark.threat("T54")
def test_a_log_may_have_two_keys():
    """While a log changes its key, the policy lists both under one origin, and either is enough."""
    new = Signer(ORIGIN, b"a different seed, 32 bytes of it")
    policy = TrustPolicy.without_witnesses([LOG.verifier, new.verifier])
    for signer in [LOG, new]:
        assert policy.open_checkpoint(signed(log=signer)).checkpoint == HEAD


def test_a_bad_line_of_a_known_witness_spoils_the_checkpoint():
    """A cosignature of another checkpoint under a listed witness's name and id is refused, not passed over."""
    wrong = WITNESSES["X1"].cosign(Checkpoint(ORIGIN, 2, HEAD.root), TIME)
    data = note.add_signatures(signed("X2", "X3", "Y1"), [wrong])
    with pytest.raises(Invalid):
        TWO_LEVELS.open_checkpoint(data)


def test_post_quantum_witnesses_may_be_listed_and_never_count():
    """A policy with an ML-DSA-44 witness is read and written; its line does not make a quorum."""
    policy = parse(f"{LOG_LINE}{WITNESS_LINES}witness PQ {PQ}\ngroup G 2 X1 PQ\nquorum G\n")
    assert policy.witnesses[-1].verifier is None
    line = note.Signature("pq.example", Vkey.parse(PQ).key_id, bytes(2428))
    quorum = policy.judge(policy.open_checkpoint(note.add_signatures(signed("X1"), [line])))
    assert not quorum.holds
    assert quorum.cosigned_by == ("X1",)
    assert TrustPolicy.parse(policy.encode()) == policy


def test_the_published_checkpoints_are_believed_or_not_by_policy():
    """The vectors' cases, with their log and a quorum of their witness: only those cosigned pass."""
    policy = parse(f"log {CASES['vkey']}\nwitness w {CASES['witness_vkey']}\nquorum w\n")
    believed = set()
    for case in CASES["cases"]:
        try:
            opened = policy.open_checkpoint(case["note"].encode())
        except (Malformed, Invalid):
            assert case["expect"] != "accept"
            continue
        assert case["expect"] == "accept"
        if policy.judge(opened).holds:
            believed.add(case["name"])
    assert believed == {"cosigned", "witness-first"}


def test_the_example_in_our_own_words_is_a_policy():
    """The module's description, with keys put in, is read as it says."""
    words = re.search(r"\n    # The ledger.*?quorum independent", trust_policy.__doc__, re.DOTALL)[0]
    keys = iter(WITNESSES.values())
    lines = [re.sub("<vkey>", lambda _: next(keys).verifier.encode(), line) for line in words.splitlines()]
    policy = parse("\n".join(lines) + "\n")
    assert [log.origin for log in policy.logs] == [ORIGIN]
    assert policy.groups == (Group("independent", 2, ("A", "B", "C")),)
    assert policy.quorum == "independent"
    assert [witness.url for witness in policy.witnesses] == [None, "https://b.example/", None]


def test_spaces_comments_and_order_are_free():
    """Tabs, spaces, empty lines, comments, and a quorum before the log: the same policy."""
    vkey = WITNESSES["X1"].verifier.encode()
    loose = (
        f"# who we believe, \xff\n\n  \t\n witness\tX1 \t {vkey}  https://x1.example/\t\n"
        f"\t# more\nquorum  X1\nlog {LOG.verifier.encode()} ftp://é.example/ \n#"
        "\n"
    )
    policy = TrustPolicy.parse(loose.encode("latin-1"))
    assert policy.quorum == "X1"
    assert policy.witnesses[0].url == "https://x1.example/"
    assert TrustPolicy.parse(policy.encode()) == policy


def test_the_usual_policy_is_two_lines():
    """What a ledger hands to its first verifiers."""
    policy = TrustPolicy.without_witnesses([LOG.verifier])
    assert policy.encode() == f"{LOG_LINE}quorum none\n".encode()
    assert TrustPolicy.parse(policy.encode()) == policy
    assert policy.judge(policy.open_checkpoint(signed())).holds


def test_thirty_two_of_each_and_more_are_read():
    """Implementations should take 32 logs, witnesses and groups; 200 of each are no trouble."""
    keys = [number.to_bytes(32, "big") for number in range(400)]
    text = "".join(f"log {Signer(f'l{n}', keys[n]).verifier.encode()}\n" for n in range(200))
    text += "".join(
        f"witness w{n} {Cosigner(f'w{n}', keys[200 + n]).verifier.encode()}\n" for n in range(200)
    )
    text += "group g0 any w0\n" + "".join(f"group g{n} all g{n - 1} w{n}\n" for n in range(1, 200))
    policy = parse(text + "quorum g199\n")
    assert len(policy.logs) == len(policy.witnesses) == len(policy.groups) == 200
    assert TrustPolicy.parse(policy.encode()) == policy


def test_names_are_bytes():
    """A name is what its bytes are: K and the Kelvin sign, é as one letter or two, and no UTF-8 at all."""
    names = [b"K", "\u212a".encode(), "\u00e9".encode(), "e\u0301".encode(), b"\xff\xfe"]
    lines = [
        b"witness %s %s\n" % (name, key.verifier.encode().encode())
        for name, key in zip(names, WITNESSES.values(), strict=True)
    ]
    data = b"".join(lines) + b"group \xc3 5 " + b" ".join(names) + b"\nquorum \xc3\n"
    policy = TrustPolicy.parse(data)
    assert len({witness.name for witness in policy.witnesses}) == 5
    assert policy.encode() == data


A, B = (WITNESSES[name].verifier.encode() for name in ("X1", "X2"))
LOG_AS_WITNESS = Vkey("else.example", 0x04, LOG.verifier.public_key).encode()
SAME_KEY_AS_A = Vkey("else.example", 0x04, WITNESSES["X1"].verifier.public_key).encode()
OTHER_LOG_NAME = Vkey("else.example", 0x01, LOG.verifier.public_key).encode()
WEAK = Vkey("weak.example", 0x04, (1).to_bytes(32, "little")).encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        LOG_LINE,  # no quorum
        "quorum none",  # no newline at the end
        f"{LOG_LINE}quorum none\nquorum none\n",
        "quorum\n",
        "quorum none none\n",
        "Quorum none\n",
        "quorum None\n",
        "quorum A\n",
        f"quorum A\nwitness A {A}\n",
        "log\nquorum none\n",
        f"log {LOG.verifier.encode()} url more\nquorum none\n",
        f"log {LOG.verifier.encode()[:-1]}\nquorum none\n",
        f"log {LOG_AS_WITNESS}\nquorum none\n",
        f"log {PQ}\nquorum none\n",
        f"{LOG_LINE}{LOG_LINE}quorum none\n",
        f"{LOG_LINE}log {OTHER_LOG_NAME}\nquorum none\n",
        f"{LOG_LINE}witness A {LOG_AS_WITNESS}\nquorum none\n",
        f"witness A {OTHER_LOG_NAME}\nquorum none\n",
        f"witness A {WEAK}\nquorum none\n",
        f"witness A {Vkey('pq.example', 0x06, bytes(1311)).encode()}\nquorum none\n",
        f"witness A {A}\nwitness B {A}\nquorum none\n",
        f"witness A {A}\nwitness B {SAME_KEY_AS_A}\nquorum none\n",
        f"witness A {A}\nwitness A {B}\nquorum none\n",
        f"witness none {A}\nquorum none\n",
        f"witness {A}\nquorum none\n",
        f"witness A {A} url more\nquorum none\n",
        f"witness A {A}\ngroup A any A\nquorum none\n",
        f"witness A {A}\ngroup none any A\nquorum none\n",
        f"witness A {A}\ngroup G any none\nquorum none\n",
        f"witness A {A}\ngroup G any\nquorum none\n",
        f"witness A {A}\ngroup G A\nquorum none\n",
        f"witness A {A}\ngroup G 0 A\nquorum none\n",
        f"witness A {A}\ngroup G 2 A\nquorum none\n",
        f"witness A {A}\ngroup G 01 A\nquorum none\n",
        f"witness A {A}\ngroup G +1 A\nquorum none\n",
        f"witness A {A}\ngroup G 1_0 A\nquorum none\n",
        f"witness A {A}\ngroup G ١ A\nquorum none\n",
        f"witness A {A}\ngroup G ALL A\nquorum none\n",
        f"witness A {A}\ngroup G any A A\nquorum none\n",
        f"witness A {A}\ngroup G any A\ngroup H any A\nquorum none\n",
        f"witness A {A}\ngroup G any G\nquorum none\n",
        f"group G any A\nwitness A {A}\nquorum none\n",
        f"witness A {A}\ngroup G any H\ngroup H any A\nquorum G\n",
        f"{LOG_LINE}quorum none\nrubbish\n",
        "quorum none # and a remark\n",
        "quorum none\r\n",
        "quorum none\n\0\n",
        "quorum none\n# \x7f\n",
        "quorum none\v\n",
        "quorum none\f\n",
        "quorum\u00a0none\n",
        "\ufeffquorum none\n",
    ],
)
def test_what_is_no_policy_is_refused(text):
    """Every rule of tlog-policy, broken once."""
    with pytest.raises(Malformed):
        parse(text)


def test_a_policy_that_is_too_long_is_refused():
    """A megabyte is the most that is read."""
    with pytest.raises(Malformed, match="at most"):
        parse("#" * 1024 * 1024 + "\nquorum none\n")


def test_the_line_is_named():
    """Whoever wrote the file is told where."""
    with pytest.raises(Malformed, match="line 3"):
        parse(f"{LOG_LINE}\nwitness A oops\nquorum none\n")


def test_two_keys_that_cannot_be_told_apart_are_refused(monkeypatch):
    """A second key of the same name and id, which somebody may have searched for, is refused."""
    monkeypatch.setattr(note, "key_id", lambda *_: b"same")
    twin = Vkey("X1.example", 0x04, WITNESSES["X2"].verifier.public_key).encode()
    with pytest.raises(Malformed, match="tell them apart"):
        parse(f"witness A {WITNESSES['X1'].verifier.encode()}\nwitness B {twin}\nquorum none\n")


@pytest.mark.parametrize("url", ["https://a b/", "a\nquorum none", "a\tb", "", "é\u0085 "])
def test_a_policy_that_cannot_be_written_is_not_written(url):
    """A URL of two words, or with a line break, raises Malformed instead of saying something else."""
    policy = TrustPolicy((trust_policy.Log(LOG.verifier, url),))
    with pytest.raises(Malformed):
        policy.encode()


@given(st.binary(max_size=60))
def test_any_bytes_are_a_policy_or_malformed(data):
    """Nothing else comes out of the reader, whatever goes in."""
    try:
        policy = TrustPolicy.parse(data + b"\nquorum none\n")
    except Malformed:
        return
    assert TrustPolicy.parse(policy.encode()) == policy
