// Elements made of text, never of markup: what a file or a server says cannot become part of the page's code.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; a child that is no node becomes text, and none is left out. */
export function el(name, attributes = {}, ...children) {
  const made = ["svg", "rect"].includes(name) ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return made;
}

/** Words with the sign of how they are known: `verified`, `stated`, `finding` or `broken`. */
export const mark = (kind, ...said) => el("span", { class: `mark ${kind}` }, ...said);

/** Names and values, two by two; those without a value are left out. */
export const facts = (pairs, more = "") =>
  el("dl", { class: `facts ${more}` }, pairs.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

/** A table with a heading over each column; `figures` are the columns to the right. One that is `narrow` fits a phone. */
export function table(headings, rows, { figures = [], narrow = false } = {}) {
  const side = (at) => (figures.includes(at) ? "r" : null);
  return el(
    "table",
    { class: narrow ? null : "register" },
    el("thead", {}, el("tr", {}, headings.map((text, at) => el("th", { scope: "col", class: side(at) }, text)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, at) => el("td", { class: side(at), "data-label": headings[at] }, cell))))),
  );
}

/** What must be seen before anything else. */
export const notice = (title, ...said) => el("div", { class: "notice", role: "note" }, el("b", {}, title), ...said);
