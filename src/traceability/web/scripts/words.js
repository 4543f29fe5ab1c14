// What scripts say: the pages' own messages (`words-en.js`, `words-fr.js`), with numbers, masses and days written as
// `web/words/__init__.py` writes them.

/** The words of the page's language, out of the catalogue that it names. */
export async function words(catalogue) {
  const language = document.documentElement.lang;
  const { default: messages, UNITS, STONES, LISTS } = await import(catalogue);
  const [point, group] = language === "en" ? [".", ","] : [",", "\u202f"];

  /** The message under `key` with `said` in its places; `count` picks its form and is `{n}`. */
  function t(key, said = {}, count = null) {
    let message = messages[key];
    if (message === undefined) throw new Error(`no message ${key}`);
    if (Array.isArray(message)) message = message[count === 1 || (count === 0 && language === "fr") ? 0 : 1];
    const known = count === null ? said : { n: number(count), ...said };
    const text = message.replace(/\{([a-z_]+)\}/g, (_, name) => String(known[name]));
    return language === "fr" ? text.replace(/\b([Dd])e (?=[aeiouàâéèêëîïôöùûœ])/gi, "$1’") : text;
  }

  /** The word for a code of a list; the code itself where there is none yet. */
  const code = (kind, of) => (`${kind}.${of}` in messages ? t(`${kind}.${of}`) : String(of).replaceAll("_", " "));

  const number = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, group);

  const decimal = (value, places) =>
    `${number(Math.floor(value / 10 ** places))}${point}${String(value % 10 ** places).padStart(places, "0")}`;

  /** `part` of `whole` to one decimal. */
  function percent(part, whole) {
    const tenths = whole ? Math.round((part / whole) * 1000) : 0;
    return part > 0 && tenths === 0 ? t("less_than", { than: `${decimal(1, 1)}\u00a0%` }) : `${decimal(tenths, 1)}\u00a0%`;
  }

  /** A mass in micrograms with the unit of its trade, to the hundredth. */
  function mass(mass_ug, mineral = "", least_ug = mass_ug) {
    const least = Math.max(mass_ug, least_ug);
    const unit = STONES.includes(mineral) ? "ct" : least >= (mineral === "gold" ? 10 : 1) * UNITS.kg ? "kg" : "g";
    const hundredths = Math.round(mass_ug / (UNITS[unit] / 100));
    return mass_ug > 0 && !hundredths
      ? t("less_than", { than: `${decimal(1, 2)}\u00a0${unit}` })
      : `${decimal(hundredths, 2)}\u00a0${unit}`;
  }

  /** A day or moment, `2026-03-14…`, as people write it. */
  function day(text) {
    const [year, month, at] = text.slice(0, 10).split("-").map(Number);
    const first = language === "fr" && at === 1 ? "er" : "";
    return `${at}${first}\u00a0${messages.months.split(" ")[month - 1]} ${year}`;
  }

  const joined = (items) =>
    items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${t("and")} ${items.at(-1)}`;

  return Object.assign(t, { code, number, percent, mass, day, joined, language, lists: LISTS, has: (key) => key in messages });
}
