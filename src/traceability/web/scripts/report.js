// Prints a report of the verifier on a page: the steps, the verdict, each lot, and what is not shown.

import { el, facts, mark, notice, table } from "./dom.js";

const LOTS_MAX = 20; // as cli/verify.py
const STEPS = 11;
const RULES = 6; // the step in which entries that should not be in the log are told
export const VERDICTS = {
  "holds, complete as the ledger states": { name: "complete", sign: "verified" },
  "holds as shown, completeness not shown": { name: "holds", sign: "verified" },
  "cannot tell": { name: "cannot", sign: "finding" },
  failed: { name: "failed", sign: "broken" },
};

/** The step that did not hold; null where none failed. */
export function failedStep(report) {
  if (report.verdict !== "failed") return null;
  const last = report.steps.at(-1)?.number ?? 1;
  return last < STEPS ? last : RULES;
}

/** What failed, on which entry, and what that means. */
export function failure(t, { report, about }) {
  const number = failedStep(report);
  const at = /\bentry (\d+):/.exec(report.why)?.[1];
  const entry = about.entries[at];
  const where = entry
    ? t("check.at_entry", { index: t.number(at), kind: t.code("kind", entry.kind), day: t.day(entry.recorded) })
    : at && t("check.at_entry_unknown", { index: t.number(at) });
  return notice(
    t("check.failed_at", { number, title: t(`check.step.${number}`) }),
    el("p", {}, where && `${where} `, t(`check.means.${number}`)),
    said(t, report.why),
  );
}

const said = (t, why) => el("p", { class: "small" }, t("check.said"), " ", el("span", { lang: "en" }, why));

/** A line for each step, as it went. */
export function steps(t, answer) {
  const { report } = answer;
  const failed = failedStep(report);
  return Array.from({ length: STEPS }, (_, at) => at + 1).map((number) => {
    const reached = failed === null || number < failed;
    const [sign, word] = number === failed ? ["broken", "check.broken"] : reached ? ["verified", "check.passed"] : ["stated", "check.not_reached"];
    const step = reached && report.steps.find((each) => each.number === number);
    return el("li", {}, el("b", {}, t(`check.step.${number}`)), " ", mark(sign, t(word)), step && [" ", el("span", { class: "facts" }, outcome(t, step, answer))]);
  });
}

/** What a step gave, in the page's words: out of the report and the file, and the verifier's own figures where only it has them. */
function outcome(t, { number, outcome: told }, { report, about }) {
  const figures = (told.match(/(?<![\w-])\d+(?![\w-])/g) ?? []).map(Number);
  const some = (key, count) => t(key, {}, count);
  switch (number) {
    case 1:
      return `${some("check.subject.lot", about.lots)}, ${some("check.entries", Object.keys(about.entries).length)}`;
    case 2:
      return report.cosigned_by.length
        ? t("check.outcome.cosigned", { log: report.origin, names: t.joined(report.cosigned_by) })
        : t("check.outcome.signed", { log: report.origin });
    case 3:
      return some("check.outcome.stand", report.size);
    case 4:
      return t("check.outcome.newest", { day: t.day(report.recorded_until) });
    case 5:
      return [some("check.outcome.verified", figures[0]), figures[1] && some("check.outcome.unsigned", figures[1])].filter(Boolean).join(", ");
    case 6:
      return `${some("check.outcome.judged", figures[0])}, ${some("device.findings", figures[1])}`;
    case 7:
      return figures.length > 2
        ? t("check.outcome.book", { size: t.number(figures[1]), of: t.number(figures[2]) }, figures[0])
        : some("check.outcome.book_stated", figures[0]);
    case 8:
      return about.opened.length ? some("check.outcome.opened", about.opened.length) : t("check.outcome.opened_none");
    case 9:
      return some("check.outcome.begins", report.begins.length);
    case 10:
      return figures.length ? some("check.outcome.too_fine", figures[0]) : t("check.outcome.exact");
    default:
      return null;
  }
}

/** The verdict, large, with its sign and what it says. */
export function verdict(t, { report, about }) {
  const { name, sign } = VERDICTS[report.verdict];
  const size = t.number(report.complete_to ?? 0);
  const remarks = [
    report.demo && t("check.demo"),
    report.single_authority && t("check.single_authority"),
    name !== "failed" && t("check.not_ore"),
  ];
  return [
    el("h2", { class: "verdict", tabindex: -1 }, mark(sign, t(`check.verdict.${name}`))),
    name === "failed"
      ? [el("p", { class: "text" }, t("check.do_not_rely")), failure(t, { report, about })]
      : [
          el("p", { class: "text" }, t(`check.verdict_says.${name}`, { size })),
          name === "holds" && el("p", { class: "text" }, mark("finding", t("check.left_out"))),
          report.why && said(t, report.why),
        ],
    remarks.filter(Boolean).map((text) => el("p", { class: "small text" }, text)),
  ];
}

/** All that was found out besides the verdict. */
export function details(t, { report, about }, now) {
  if (report.verdict === "failed") return [log(t, report, about, now)];
  const shown = report.lots.slice(0, LOTS_MAX);
  const more = report.lots.length - shown.length;
  return [
    el(
      "section",
      {},
      el("h2", {}, t("check.lots", {}, report.lots.length)),
      shown.map((each) => lot(t, each, about)),
      more > 0 && el("p", { class: "small" }, t("check.lots_more", {}, more)),
    ),
    report.findings.length > 0 && el("section", {}, el("h2", {}, t("check.findings_beside")), found(t, report.findings)),
    notShown(t, report),
    disclosed(t, about),
    log(t, report, about, now),
  ].filter(Boolean);
}

function lot(t, of, about) {
  const { name, sign } = VERDICTS[of.verdict];
  const party = (id) => id && (about.parties[id] ?? el("span", { class: "code" }, id));
  const what = [of.mineral && t.code("mineral", of.mineral), of.form && t.code("form", of.form)].filter(Boolean).join(" · ");
  const title = of.mineral ? t("check.lot", { what: capital(what), mass: t.mass(of.mass_ug, of.mineral) }) : t("check.lot_unknown", { id: of.lot.slice(0, 8) });
  const state = of.state && [t.code("check.state", of.state), of.disputed && `; ${t("check.disputed")}`];
  return el(
    "article",
    {},
    el("h3", {}, title),
    el("p", { class: "small" }, mark(sign, t(`check.verdict.${name}`)), " · ", el("span", { class: "code" }, of.lot)),
    of.why && said(t, of.why),
    of.mineral && [
      facts([
        [t("check.state"), state],
        [t("check.moved"), about.entries[of.custody_entry] && t.day(about.entries[of.custody_entry].day)],
        [t("check.custodian"), party(of.custodian)],
        [t("check.title_holder"), of.title !== of.custodian && party(of.title)],
        [t("check.tags"), of.tags.length && of.tags.map((tag) => [el("span", { class: "code" }, tag), " "])],
      ]),
      of.origins ? composition(t, of, about) : el("p", { class: "small" }, t("check.origins_unknown")),
      of.lost_ug > 0 && el("p", { class: "small" }, lost(t, of)),
      el("h4", {}, t("check.findings")),
      of.findings.length || of.carried.length
        ? [found(t, of.findings, of.mineral), el("ul", { class: "marks" }, of.carried.map((each) => el("li", {}, mark("finding", t("check.carried", { rule: t.code("rule", each.rule), n: t.number(each.count) })))))]
        : el("p", {}, t("check.no_findings")),
    ],
  );
}

function lost(t, of) {
  const mass = t.mass(of.lost_ug, of.mineral);
  return of.missing_ug ? t("check.missing", { mass, missing: t.mass(of.missing_ug, of.mineral) }) : t("check.lost", { mass });
}

/** Of what places a lot consists: a bar that adds up, and the same as a table. */
function composition(t, of, about) {
  const parts = [...of.origins].sort((a, b) => b.mass_ug - a.mass_ug);
  const whole = parts.reduce((sum, part) => sum + part.mass_ug, 0);
  let start = 0;
  const bar = parts.map((part, at) => {
    const piece = el("rect", { class: `k-${kindOf(part)} p${at % 4}`, x: `${(100 * start) / whole}%`, width: `${(100 * part.mass_ug) / whole}%`, y: 0, height: "100%" });
    start += part.mass_ug;
    return piece;
  });
  const name = (part, at) => el("span", { class: `key k-${kindOf(part)} p${at % 4}` }, placeName(t, part, about));
  return [
    el("svg", { class: "bar", "aria-hidden": "true" }, bar),
    table(
      [t("account.part"), t("account.mass"), t("account.share")],
      parts.map((part, at) => [name(part, at), t.mass(part.mass_ug, of.mineral, whole), t.percent(part.mass_ug, whole)]),
      { figures: [1, 2], narrow: true },
    ),
  ];
}

const kindOf = (part) => ({ site: "site", additive: "additive", gain: "gain", intake: "intake" })[part.kind] ?? "no_site";

/** Where a part of a composition is from, in words. */
export function placeName(t, part, about) {
  switch (part.kind) {
    case "site":
      return about.sites[part.id] ?? part.id;
    case "additive":
      return t("account.additive", { what: part.id });
    case "gain":
      return t("account.gain");
    case "intake":
      return t("account.intake", { why: t.code("origin", part.id) });
    default:
      return t("account.no_site");
  }
}

/** Findings, those that say the same gathered: how often, and at which entries. */
function found(t, findings, mineral = "") {
  const groups = new Map();
  for (const each of findings) {
    const figures = each.figures.map((figure) => told(t, figure, mineral)).filter(Boolean).join(" · ");
    const key = [each.rule, each.severity, each.stated, figures].join();
    if (!groups.has(key)) groups.set(key, { ...each, figures, entries: [] });
    groups.get(key).entries.push(each.entry);
  }
  return el("ul", { class: "marks" }, [...groups.values()].map((group) => el("li", {}, gathered(t, group))));
}

function gathered(t, { rule, severity, stated, figures, entries }) {
  const [first, last] = [entries[0], entries.at(-1)].map((index) => t.number(index));
  const at = entries.length > 1 ? t("check.findings_at", { first, last }, entries.length) : t("check.finding_at", { index: first });
  const facts = [figures, stated && t("check.finding_stated"), at].filter(Boolean).join(" · ");
  return [
    mark("finding", t.code("severity", severity)),
    ` ${t.code("rule", rule)} `,
    el("span", { class: "facts" }, facts),
    entries.length > 1 && el("details", {}, el("summary", {}, t("check.entries_all")), el("p", {}, entries.map((index) => t.number(index)).join(", "))),
  ];
}

/** A figure of a finding with its unit, which is the end of its name; null for ids, which lead nowhere here. */
function told(t, { name, value }, mineral) {
  if (/^([0-9a-z]{26}|[0-9a-f]{64})$/.test(value)) return null;
  const label = t.has(`figured.${name}`) ? t(`figured.${name}`) : t.code("figured", name.replace(/_[^_]*$/, "") || name);
  const [, sign, digits] = /^(-?)(\d+)$/.exec(value) ?? [];
  if (digits === undefined) return `${label} ${codes(t, name, value)}`;
  const unit = name.slice(name.lastIndexOf("_") + 1);
  const number = Number(digits);
  const text = unit === "ug" ? t.mass(number, mineral) : unit === "ppm" ? t.percent(number, 1_000_000) : t.number(digits);
  return `${label} ${sign ? "−" : ""}${text}`;
}

/** What a figure says that is no number: a day, or codes of the lists that its name stands for (`web/figures.py`). */
function codes(t, name, value) {
  if (/^\d{4}-\d\d-\d\d(T|$)/.test(value)) return t.day(value);
  if (t.has(`told.${value}`)) return t(`told.${value}`);
  const lists = t.lists[name.replace(/_(now|was|before)$/, "")] ?? [];
  const word = (item) => {
    const list = lists.find((each) => t.has(`${each}.${item}`));
    return list ? t.code(list, item) : item.replaceAll("_", " ");
  };
  return value.split(/[,;]/).map((item) => word(item.trim())).join(", ");
}

function notShown(t, report) {
  const types = Object.entries(report.completeness_not_shown ?? {});
  const name = (type) => (t.has(`check.subject.${type}`) ? `check.subject.${type}` : "check.subject.other");
  return el(
    "section",
    {},
    el("h2", {}, t("check.not_shown")),
    types.length
      ? el("p", { class: "text" }, t("check.not_shown_says"), " ", t.joined(types.map(([type, ids]) => t(name(type), {}, ids.length))), ".")
      : el("p", { class: "text" }, t("check.not_shown_none", { size: t.number(report.complete_to ?? 0) })),
  );
}

function disclosed(t, about) {
  const opened = about.opened.map((each) => [
    t("check.opened_at", { name: t.code("sealed", each.name), index: t.number(each.index), kind: t.code("kind", each.kind) }),
    each.value,
  ]);
  const sealed = Object.entries(about.sealed);
  const count = sealed.reduce((sum, [, each]) => sum + each, 0);
  const names = t.joined(sealed.map(([name, each]) => `${t.code("sealed", name).toLowerCase()} × ${t.number(each)}`));
  return el(
    "section",
    {},
    el("h2", {}, t("check.opened")),
    opened.length ? facts(opened, "apart") : el("p", { class: "text" }, t("check.opened_none")),
    count > 0 && el("p", { class: "small text" }, t("check.sealed", { names }, count)),
  );
}

function log(t, report, about, now) {
  if (!report.origin) return null;
  const party = (id) => about.parties[id] ?? id;
  const recorded = report.recorded_until;
  const days = recorded && Math.floor((now - Date.parse(recorded)) / 86_400_000);
  const age = recorded && (days < 0 ? t("check.log_ahead", { day: t.day(recorded) }) : t("check.log_age", { day: t.day(recorded) }, days));
  return el(
    "section",
    {},
    el("h2", {}, t("check.log")),
    facts([
      [t("check.log_name"), el("span", { class: "code" }, report.origin)],
      [t("check.log_size"), t.number(report.size)],
      [t("check.log_newest"), age],
      [t("check.log_witnesses"), report.cosigned_by.length ? report.cosigned_by.join(", ") : t("check.log_no_witness")],
      [t("check.log_complete"), report.complete_to !== undefined && report.complete_to !== null && t.number(report.complete_to)],
      [t("check.log_attested"), report.attested_by?.map(party).join(", ")],
    ]),
  );
}

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
