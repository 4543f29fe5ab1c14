// Verifying evidence where JavaScript runs: the core, and the checks of signatures that only WebCrypto can make.
//
// The core goes through a file at once, WebCrypto answers later. So the core first takes every signature it asks about
// to be good, and they are noted. All of them are then checked. Were all good, what the core found stands, for it is
// what it would have found knowing that. Else it goes through the file again, with the answers.

import * as $ from "./runtime.js";
import * as core from "./core.js";
import * as cryptography from "./shims/cryptography.js";

const ROUNDS_MAX = 10;
const AT_ONCE = 100;
const NO_CRYPTO =
  "This browser does not check signatures here: open the page over https, or the file in another browser (Chromium, Firefox).";
const NO_ED25519 =
  "This browser cannot check Ed25519 signatures, and so cannot verify evidence: a newer one can (Chrome 137, Firefox 130, Safari 17).";

/** Something is missing that checking signatures needs. Nothing was concluded. */
export class Unsupported extends Error {
  name = "Unsupported";
}

/**
 * Takes an evidence file through all steps; the report is what `traceability verify --json` prints, as an object.
 *
 * `policy` is the text of a trust policy, or its bytes. `now` (2026-11-23T10:15:00Z) says how old the newest cosignature is, `complete` asks for completeness, `progress` is
 * told `{signatures, of}`. Rejects with an error called Malformed for a trust policy that is none, Unsupported where
 * this browser cannot check.
 */
export async function verify(bytes, policy, { now = null, complete = false, progress } = {}) {
  const trusted = readPolicy(policy);
  const report = await answered(() => core.verify__verify(bytes, trusted, now, complete), progress);
  return JSON.parse(new TextDecoder().decode(report.$to_json()));
}

/** Origin, size and root (hex) of a checkpoint that a log of the policy signed. Rejects like `verify`, and with Invalid. */
export async function openCheckpoint(noteText, policy) {
  const trusted = readPolicy(policy);
  const note = new TextEncoder().encode(noteText);
  const { $checkpoint } = await answered(() => spoken(() => trusted.$open_checkpoint(note)));
  return { origin: $checkpoint.$origin, size: $checkpoint.$size, root: $checkpoint.$root.$hex() };
}

/** Throws an error called Invalid unless the log of `size2` and `root2` (hex) goes on from that of `size1` and `root1`. */
export function verifyConsistency(size1, root1, size2, root2, proof) {
  const [before, after, ...nodes] = [root1, root2, ...proof].map((hex) => $.bytes.$fromhex(hex));
  spoken(() => core.merkle__verify_consistency(size1, before, size2, after, nodes));
}

/** What is signed behind the # of a tag's address, before anything is verified: `{kid, tag}`. Throws an error called Malformed. */
export function readLabel(digits) {
  const signed = spoken(() => core.label__read_signed(core.label__from_digits(digits)));
  return { kid: signed.$kid, tag: signed.$said.$tag };
}

/** Verifies it against a trust pack (bytes); the report is what `traceability tag verify --json` prints. Rejects like `verify`. */
export async function verifyTag(digits, pack, policy) {
  const trusted = readPolicy(policy);
  const report = await answered(() =>
    spoken(() => core.tag_verify__verify_tag(core.label__from_digits(digits), core.trust_pack__TrustPack.$read(pack, trusted))),
  );
  return JSON.parse(new TextDecoder().decode(report.$to_json()));
}

function readPolicy(policy) {
  const bytes = typeof policy === "string" ? new TextEncoder().encode(policy) : policy;
  return spoken(() => core.trust_policy__TrustPolicy.$parse(bytes));
}

/** What the core refuses, as an error whose name says how and whose message is the core's sentence. */
function spoken(work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof $.BaseException)) throw error;
    throw Object.assign(new Error($.str(error)), { name: $.type(error).$__name__ });
  }
}

/** What `work` gives, or throws, once every signature it asks about has been checked. */
async function answered(work, progress = () => {}) {
  const answers = cryptography.Answers();
  const keys = new Map();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const outcome = attempt(work, answers);
    const asked = [...answers.asked];
    answers.asked.clear();
    let bad = 0;
    for (let at = 0; at < asked.length; at += AT_ONCE) {
      progress({ signatures: at, of: asked.length });
      const some = asked.slice(at, at + AT_ONCE);
      const good = await Promise.all(some.map(([, question]) => isGood(question, keys)));
      some.forEach(([name], n) => answers.known.set(name, good[n]));
      bad += good.filter((each) => each !== true).length;
    }
    if (bad === 0) return outcome();
  }
  throw new Error(`signatures that do not hold lead to ever others, ${ROUNDS_MAX} times: this file is not judged`);
}

function attempt(work, answers) {
  cryptography.answerFrom(answers);
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  } finally {
    cryptography.answerFrom(null);
  }
}

const ALGORITHMS = {
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  Ed25519: [{ name: "Ed25519" }, { name: "Ed25519" }],
};

async function isGood({ algorithm, key, signature, message }, keys) {
  const [forKeys, forSignatures] = ALGORITHMS[algorithm];
  const name = algorithm + key;
  if (!keys.has(name)) keys.set(name, imported(key, forKeys));
  const ready = await keys.get(name);
  return crypto.subtle.verify(forSignatures, ready, signature, message);
}

async function imported(key, algorithm) {
  if (!globalThis.crypto?.subtle) throw new Unsupported(NO_CRYPTO);
  try {
    return await crypto.subtle.importKey("raw", key, algorithm, false, ["verify"]);
  } catch (error) {
    // The core has looked at the point itself, so what is refused here is the algorithm.
    throw error.name === "NotSupportedError" ? new Unsupported(NO_ED25519) : error;
  }
}
