// The page "Verify a file": takes a file, hands it to the verifier, and says what came out. Nothing leaves the device.

import { mark } from "./dom.js";
import { otherKey } from "./memory.js";
import { PdfError, evidenceIn, isPdf } from "./pdf.js";
import { details, steps, verdict } from "./report.js";
import { verifier } from "./verifying.js";
import { words } from "./words.js";

const FILE_MAX = 256 * 1024 * 1024; // as core/evidence.py
/** Why nothing is verified: a message of ours, by its key. */
class Told extends Error {}

const page = document.getElementById("check");
const t = await words(page.dataset.words);
verifier(); // loaded now: later there may be no network
const { ours, policy: policyFile, file: fileField } = page.elements;
const ownChosen = () => page.elements.trust.value === "own";
const parts = Object.fromEntries(["status", "steps", "verdict", "details"].map((name) => [name, document.getElementById(name)]));
const walk = document.getElementById("walk");
let chosen = null;
let run = 0;

document.getElementById("needs").remove();
page.hidden = false;

page.addEventListener("submit", (event) => event.preventDefault());
page.addEventListener("change", ({ target }) => {
  document.getElementById("own").hidden = !ownChosen();
  if (target === fileField) chosen = fileField.files[0] ?? chosen;
  if (chosen) check(chosen);
});
for (const name of ["dragenter", "dragover"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    page.classList.add("over");
  });
}
addEventListener("dragleave", (event) => event.relatedTarget || page.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  page.classList.remove("over");
  if (event.dataTransfer.files[0]) check((chosen = event.dataTransfer.files[0]));
});

/** Verifies a file and prints what came out; a file chosen meanwhile takes its place. */
async function check(file) {
  const own = ++run;
  const still = (show) => own === run && show();
  for (const part of Object.values(parts)) part.replaceChildren();
  walk.hidden = true;
  try {
    if (file.size > FILE_MAX) throw new Told("check.too_large");
    const policy = await policyText();
    const evidence = await read(file);
    const name = evidence.pdf ? t("check.pdf_from", { name: evidence.name, pdf: file.name }) : file.name;
    parts.status.textContent = t("check.working", { name });
    const asked = { bytes: evidence.bytes, policy, now: moment() };
    const answer = await verifier()("verify", asked, (progress) => still(() => show(progress)));
    still(() => print(answer, policy, name));
  } catch (error) {
    still(() => parts.status.replaceChildren(mark("broken", t("check.error")), ` ${reason(error)}`));
  }
}

/** How far the verifier is: it applies the rules, then checks the signatures, and only then is anything true. */
function show({ signatures, of }) {
  parts.status.textContent = t("check.signatures", { done: t.number(signatures), of: t.number(of) });
}

function print(answer, policy, name) {
  const warned = ownChosen() ? null : otherKey(t, policy);
  parts.status.textContent = name;
  walk.hidden = false;
  parts.steps.replaceChildren(...steps(t, answer));
  parts.verdict.replaceChildren(...[warned, verdict(t, answer)].flat(Infinity).filter(Boolean));
  parts.details.replaceChildren(...details(t, answer, Date.now()));
  parts.verdict.querySelector("h2").focus();
}

async function policyText() {
  if (!ownChosen()) return ours.value;
  if (!policyFile.files[0]) throw new Told("check.policy_missing");
  return policyFile.files[0].text();
}

async function read(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return isPdf(bytes) ? { pdf: true, ...(await evidenceIn(bytes)) } : { pdf: false, bytes };
}

/** Why nothing was verified, in words. */
function reason(error) {
  if (error instanceof Told) return t(error.message);
  if (error instanceof PdfError) return t(`check.pdf.${error.code}`, { why: error.message });
  if (error.name === "Unsupported") return t("check.unsupported");
  if (error.name === "NoVerifier") return t("check.no_verifier");
  if (error.name === "Malformed") return t("check.policy_bad", { why: error.message });
  return error.message;
}

const moment = () => `${new Date().toISOString().slice(0, 19)}Z`;
