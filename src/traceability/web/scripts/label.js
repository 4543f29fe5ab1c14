// The block "The label" of a tag's page: what is signed behind the # of the address is read and verified here, and
// compared with what the page says. The label never leaves the device: the key it names and its roll are asked for.

import { el, mark } from "./dom.js";
import { sayWhere } from "./where.js";
import { verifier } from "./verifying.js";
import { words } from "./words.js";

const block = document.getElementById("label");
const { words: catalogue, policy } = document.getElementById("device").dataset;
const t = await words(catalogue);
const [tag, lot, head, day, mineral, net] = block.dataset.says.split(" ");
const page = { tag, lot, head, day, mineral, net };
const status = el("div", { role: "status" });
const details = el("div", {});
const where = el("div", {});

block.replaceChildren(el("h2", {}, t("label.title")), status, details, where);
addEventListener("hashchange", () => location.hash !== "#page" && look());
await look();

async function look() {
  const digits = location.hash.slice(1);
  const found = /^[0-9]/.test(digits) ? await checked(digits) : { kind: "stated", said: "label.none" };
  show(found);
  sayWhere(t, where, found.older ?? false);
}

function show({ kind, said, values = {}, more = [] }) {
  status.replaceChildren(mark(kind, t(said, values)));
  details.replaceChildren(...more.map((each) => (typeof each === "string" ? el("p", { class: "small text" }, each) : each)));
}

async function checked(digits) {
  show({ kind: "stated", said: "label.working" });
  try {
    const ask = verifier();
    const read = await ask("label", { digits });
    const roll = read.tag.slice(2).split("-")[0];
    const answer = await fetch(`/v1/trust-pack/${read.kid}/${roll}`, { cache: "no-store" });
    if (answer.status === 404) return { kind: "broken", said: "label.unknown", more: [t("label.unknown_says")] };
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const pack = new Uint8Array(await answer.arrayBuffer());
    return await judged(await ask("tag", { digits, pack, policy }));
  } catch (error) {
    return failed(error);
  }
}

function failed({ name, message }) {
  if (name === "Malformed") return { kind: "broken", said: "label.malformed", more: [english(message)] };
  if (name === "Failed") return { kind: "broken", said: "label.pack_failed", more: [english(message)] };
  if (name === "Unsupported") return { kind: "stated", said: "check.unsupported" };
  if (name === "NoVerifier") return { kind: "stated", said: "check.no_verifier" };
  return { kind: "stated", said: "label.offline", values: { why: message } };
}

/** What to say of a report: first whether the label is genuine, then whether it says what the page says. */
async function judged(report) {
  const more = [said(report), ...evident(report), t("label.copies"), t("label.trust")];
  if (report.verdict === "failed") return { kind: "broken", said: "label.failed", more: [english(report.why), said(report)] };
  if (!report.verdict.startsWith("holds")) return { kind: "finding", said: "label.cannot", more: [english(report.why), said(report)] };
  if (report.tag !== page.tag) {
    return { kind: "broken", said: "label.other_tag", values: { number: report.tag.slice(2) }, more: [t("label.other_tag_says"), ...more] };
  }
  if (report.kind === "tag") return { kind: "verified", said: "label.printed", more };
  if ((await digest(report.lot)) !== page.lot) return { kind: "broken", said: "label.other_lot", more: [t("label.other_lot_says"), ...more] };
  const values = { day: t.day(report.day) };
  if (!page.head || ((await digest(report.head)) !== page.head && report.day <= page.day)) {
    return { kind: "finding", said: "label.older", values, more: [t("label.older_says"), ...more], older: true };
  }
  if ((await digest(report.head)) !== page.head) return { kind: "finding", said: "label.newer", more: [t("label.newer_says"), ...more] };
  const same = report.mineral === page.mineral && String(report.net_ug) === page.net && report.day === page.day;
  if (!same) return { kind: "finding", said: "label.differs", more: [t("label.differs_says"), ...more] };
  return { kind: "verified", said: "label.holds", more };
}

/** What the site's answer shows to be all there was, and whether its signer is under a hold. */
function evident({ complete_day, held_since }) {
  const shown = complete_day ? t("label.complete", { day: t.day(complete_day) }) : t("label.not_complete");
  return held_since ? [t("label.held", { day: t.day(held_since) }), shown] : [shown];
}

/** Who signed it, and what it says. */
function said({ mineral, net_ug, day, tag, party_name, roles }) {
  const who = party_name ?? (roles ?? []).map((role) => t.code("named", role)).join(", ");
  const facts = [tag && t("label.tag", { number: tag.slice(2) })];
  if (mineral) facts.unshift(t.code("mineral", mineral), t.mass(net_ug, mineral), t.day(day));
  return [who && t("label.signer", { who }), facts[0] && t("label.says", { facts: facts.join(", ") })].filter(Boolean).join(" ");
}

/** As `web/labelled.py` gives ids to the page. */
async function digest(id) {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`traceability/page/v1\n${id}`));
  return [...new Uint8Array(hash).slice(0, 10)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function english(text) {
  return el("p", { class: "small text", lang: "en" }, text);
}
