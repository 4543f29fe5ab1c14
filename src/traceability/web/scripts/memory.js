// What this device remembers of this site's log: its key and the newest checkpoint that verified here. A log that was
// rewritten, or another under the same name, is told by whoever saw the one before.

import { el, notice } from "./dom.js";

const PLACE = "log";

/** The vkeys of the log in this site's trust policy: while it changes its key two, the newer last. */
export const logKeys = (policy) => [...policy.matchAll(/^[ \t]*log[ \t]+(\S+)/gm)].map(([, key]) => key);

/** What is remembered; null where that is nothing, undefined where this browser keeps nothing. */
export function recall() {
  try {
    return JSON.parse(localStorage.getItem(PLACE));
  } catch {
    return undefined;
  }
}

function remember(what) {
  localStorage.setItem(PLACE, JSON.stringify(what));
}

/** A warning where the key that this device remembers is not among those of the site's policy; null where it is. */
export function otherKey(t, policy, before = recall()) {
  if (!before || logKeys(policy).includes(before.key)) return null;
  const button = el("button", { type: "button", class: "plain" }, t("device.forget"));
  const warned = notice(t("device.log_key", { day: t.day(before.seen) }), el("p", {}, t("device.log_key_says")), el("p", {}, button));
  button.addEventListener("click", () => {
    localStorage.removeItem(PLACE);
    warned.remove();
  });
  return warned;
}

/**
 * Holds a checkpoint that verified (`size`, `root`, `note`) against what was remembered `before` it was fetched, and
 * remembers it. Gives `good` (false: do not rely on this site; null: could not be told) and what to say.
 */
export async function compare(t, { policy, checkpoint, before, ask, proof }) {
  if (before === undefined) return { good: true, said: [t("device.log_forgets")] };
  const today = new Date().toISOString().slice(0, 10);
  const known = { key: logKeys(policy).at(-1), since: before?.since ?? today, seen: today, ...checkpoint };
  if (before === null) {
    remember(known);
    return { good: true, said: [t("device.log_first")] };
  }
  const warned = otherKey(t, policy, before);
  if (warned) return { good: false, said: [warned] };
  const day = t.day(before.seen);
  if (checkpoint.size < before.size) {
    const sizes = { day, n: t.number(checkpoint.size), was: t.number(before.size) };
    return { good: false, said: [contradiction(t, t("device.log_smaller", sizes), before)] };
  }
  try {
    const nodes = checkpoint.size === before.size ? [] : await proof(before.size, checkpoint.size);
    await ask("consistency", { before, after: checkpoint, proof: nodes });
  } catch (error) {
    return error.name === "NotFetched" || error.name === "NoVerifier"
      ? { good: null, said: [t("device.log_unproved", { day, why: error.message })] }
      : { good: false, said: [contradiction(t, t("device.log_contradicts", { day }), before)] };
  }
  remember(known);
  return { good: true, said: [t("device.log_extends", { day: t.day(known.since) })] };
}

function contradiction(t, title, before) {
  const url = URL.createObjectURL(new Blob([before.note], { type: "text/plain" }));
  const save = el("a", { href: url, download: `checkpoint-${before.size}.txt` }, t("device.log_save"));
  return notice(title, el("p", {}, t("device.log_evidence")), el("p", {}, save));
}
