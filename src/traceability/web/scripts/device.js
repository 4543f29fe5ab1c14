// The block "Verified on this device" of a lot's page and of a tag's: fetches what proves the page, verifies it here,
// and compares. It never says more than was verified.

import { el, mark, notice, table } from "./dom.js";
import { compare, recall } from "./memory.js";
import { failure, placeName } from "./report.js";
import { verifier } from "./verifying.js";
import { words } from "./words.js";

const block = document.getElementById("device");
if (document.getElementById("label")) import("./label.js");
const { words: catalogue, policy, evidence: place } = block.dataset;
const t = await words(catalogue);
const status = el("div", { role: "status" });
const details = el("div", {});
let ask = null;

const go = el("button", { type: "button" }, t("device.go"));
go.addEventListener("click", run);
const said = el("p", { class: "small text" }, t(place ? "device.lot_says" : "device.tag_says"));
block.replaceChildren(block.querySelector("h2"), status, details);
if (block.dataset.eager !== undefined && !slow()) run();
else {
  status.append(mark("stated", t("device.not")));
  details.append(said, el("p", {}, go));
}

/** Whether who reads this pays for every byte, or waits for it. */
function slow() {
  const { saveData = false, effectiveType = "4g" } = navigator.connection ?? {};
  return saveData || effectiveType.endsWith("2g");
}

async function run() {
  ask = verifier();
  status.setAttribute("aria-busy", "true");
  status.replaceChildren(mark("stated", t("device.working")));
  details.replaceChildren(said);
  try {
    const told = place ? await ofLot() : await ofLog();
    status.replaceChildren(...told.status);
    details.replaceChildren(...told.details);
  } catch (error) {
    const why = error.name === "Unsupported" ? t("check.unsupported") : error.name === "NoVerifier" ? t("check.no_verifier") : t("device.offline", { why: error.message });
    status.replaceChildren(mark("stated", why));
    details.replaceChildren(said, el("p", {}, go));
  }
  status.removeAttribute("aria-busy");
}

// The log

async function ofLog() {
  const before = recall();
  const note = await (await fetched("/checkpoint")).text();
  let checkpoint;
  try {
    checkpoint = { note, ...(await ask("checkpoint", { note, policy })) };
  } catch (error) {
    if (["Unsupported", "NoVerifier"].includes(error.name)) throw error;
    return { status: [mark("broken", t("device.log_failed"))], details: [english(error.message)] };
  }
  const log = await compare(t, { policy, checkpoint, before, ask, proof });
  if (log.good === false) return { status: [mark("broken", t("device.not"))], details: log.said.map(paragraph) };
  const held = mark("verified", t("device.log_holds", {}, checkpoint.size));
  return { status: [mark("stated", t("device.tag_not"))], details: [said, paragraph([held, " ", log.said])] };
}

/** The consistency proof between two sizes of the log, as hashes in hex. */
async function proof(first, second) {
  return (await (await fetched(`/v1/log/consistency?first=${first}&second=${second}`)).json()).proof;
}

// A lot

async function ofLot() {
  const before = recall();
  const bytes = new Uint8Array(await (await fetched(place)).arrayBuffer());
  const answer = await ask("verify", { bytes, policy, now: `${new Date().toISOString().slice(0, 19)}Z` });
  const { report, about } = answer;
  if (report.verdict === "failed") return { status: [mark("broken", t("device.failed"))], details: [failure(t, answer), kept(bytes)] };
  if (report.verdict === "cannot tell") return { status: [mark("finding", t("device.cannot"))], details: [english(report.why)] };
  const checkpoint = { note: about.checkpoint, ...(await ask("checkpoint", { note: about.checkpoint, policy })) };
  const log = await compare(t, { policy, checkpoint, before, ask, proof });
  const rows = compared(JSON.parse(block.dataset.facts), verified(answer), about);
  const differs = rows.filter((row) => !row.same);
  const headings = [t("device.fact"), t("device.page"), t("device.signed")];
  const facts = table(headings, [...differs, ...rows.filter((row) => row.same)].map((row) => row.cells), { narrow: true });
  if (differs.length && (await changed())) return { status: [mark("stated", t("device.moved"))], details: [facts] };
  if (differs.length) {
    return { status: [mark("broken", t("device.differs"))], details: [paragraph(t("device.differs_says")), facts, kept(bytes)] };
  }
  if (log.good === false) return { status: [mark("broken", t("device.not"))], details: log.said.map(paragraph) };
  const complete = report.complete_to !== undefined && report.verdict.includes("complete as");
  return {
    status: [mark("verified", t("device.holds", {}, Object.keys(about.entries).length))],
    details: [
      paragraph(`${complete ? t("device.complete", { size: t.number(report.complete_to) }) : t("device.as_shown")} ${t("device.holds_says")}`),
      ...log.said.map(paragraph),
      el("details", {}, el("summary", {}, t("device.facts")), facts),
    ],
  };
}

/** What was verified of the lot, fact by fact, in the form in which the page states it. */
function verified({ report, about }) {
  const [lot] = report.lots;
  const state = lot.state === "used" ? "ended" : lot.state;
  return {
    mineral: lot.mineral,
    form: lot.form,
    mass_ug: lot.mass_ug,
    state,
    custodian: lot.custodian,
    day: state === "ended" ? null : about.entries[lot.custody_entry].day,
    disputed: lot.disputed,
    sites: lot.origins ? gathered(lot.origins) : null,
    findings: counted(lot.findings),
  };
}

/** Masses by site, and by kind where there is none: [kind, site, mass] in order. */
function gathered(origins) {
  const sums = {};
  for (const { kind, id, mass_ug } of origins) {
    const key = JSON.stringify(kind === "site" ? [kind, id] : [kind, ""]);
    sums[key] = (sums[key] ?? 0) + mass_ug;
  }
  return Object.entries(sums).map(([key, mass]) => [...JSON.parse(key), mass]).sort();
}

function counted(findings) {
  const count = {};
  for (const { rule } of findings) count[rule] = (count[rule] ?? 0) + 1;
  return count;
}

/** A line for each fact: what the page states, what was verified, and whether that is the same. */
function compared(stated, signed, about) {
  return Object.keys(stated)
    .filter((name) => stated[name] !== null && signed[name] !== null)
    .map((name) => {
      const same = name === "findings" ? !hidden(stated.findings, signed.findings) : JSON.stringify(stated[name]) === JSON.stringify(signed[name]);
      const shown = name === "findings" ? foundHere(stated.findings, signed.findings) : same ? t("device.same") : printed(name, signed[name], signed, about);
      return { same, cells: [t.code("device.fact", name), printed(name, stated[name], stated, about), mark(same ? "verified" : "broken", shown)] };
    });
}

/** How many findings were worked out here that the page does not show. What it shows beyond these the ledger states. */
function hidden(stated, signed) {
  return Object.entries(signed).reduce((sum, [rule, count]) => sum + Math.max(0, count - (stated[rule] ?? 0)), 0);
}

function foundHere(stated, signed) {
  const missing = hidden(stated, signed);
  const count = sum(signed);
  return missing ? t("device.findings_hidden", {}, missing) : count ? t("device.findings_same", {}, count) : t("device.no_findings");
}

const sum = (counts) => Object.values(counts).reduce((whole, each) => whole + each, 0);

function printed(name, value, all, about) {
  switch (name) {
    case "mineral":
    case "form":
      return t.code(name, value);
    case "mass_ug":
      return t.mass(value, all.mineral);
    case "state":
      return t.code("check.state", value);
    case "custodian":
      return about.parties[value] ?? el("span", { class: "code" }, value);
    case "day":
      return t.day(value);
    case "disputed":
      return t(value ? "device.yes" : "device.no");
    case "sites":
      return t.joined(value.map(([kind, id, mass]) => `${placeName(t, { kind, id }, about)} ${t.mass(mass, all.mineral)}`));
    case "findings":
      return sum(value) ? t("device.findings", {}, sum(value)) : t("device.no_findings");
  }
}

/** Whether the page as it is now states something else than this one: then the lot changed meanwhile. */
async function changed() {
  const now = new DOMParser().parseFromString(await (await fetched(location.href)).text(), "text/html");
  const facts = now.getElementById("device")?.dataset.facts;
  return facts !== undefined && facts !== block.dataset.facts;
}

// Pieces

async function fetched(url) {
  let answer;
  try {
    answer = await fetch(url, { cache: "no-store" });
  } catch (error) {
    throw Object.assign(error, { name: "NotFetched" });
  }
  if (!answer.ok) throw Object.assign(new Error(`HTTP ${answer.status}`), { name: "NotFetched" });
  return answer;
}

const paragraph = (what) => (what instanceof HTMLElement ? what : el("p", { class: "text" }, what));

const english = (why) => el("p", { class: "small" }, t("check.said"), " ", el("span", { lang: "en" }, why));

/** A link that keeps the evidence as it was fetched. */
function kept(bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/vnd.traceability.evidence+json" }));
  return el("p", {}, el("a", { href: url, download: place.split("/").at(-2) + ".evidence.json" }, t("lot.evidence")));
}
