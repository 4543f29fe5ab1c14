// What an evidence file says besides what its report does: names, kinds and days, and what is opened of sealed fields.
// Nothing here is to be shown but beside a report, which says how far the file is to be believed.

/** The names and entries of an evidence file; all empty where it cannot be read. */
export function about(bytes) {
  const found = { checkpoint: "", lots: 0, sites: {}, parties: {}, entries: {}, opened: [], sealed: {} };
  let file;
  try {
    file = JSON.parse(new TextDecoder().decode(bytes));
    found.checkpoint = file.checkpoint;
    found.lots = file.lots.length;
    for (const entry of file.entries) read(entry, found);
  } catch {
    return found;
  }
  return found;
}

function read(entry, found) {
  const event = JSON.parse(entry.payload);
  const { kind, body, event_time } = event;
  found.entries[entry.index] = { kind, day: event_time.slice(0, 10), recorded: entry.record_time };
  if (kind === "site_registration") found.sites[body.site] = body.name;
  if (kind === "enrolment" && body.public_name) found.parties[body.party] = body.public_name;
  if (kind === "genesis") {
    for (const each of body.authorities) if (each.public_name) found.parties[each.party] = each.public_name;
  }
  const opened = new Set();
  for (const [, path, value] of entry.disclosures ?? []) {
    opened.add(path);
    found.opened.push({ index: entry.index, kind, name: last(path), value: plain(value) });
  }
  for (const [path] of event.sealed ?? []) {
    if (!opened.has(path)) found.sealed[last(path)] = (found.sealed[last(path)] ?? 0) + 1;
  }
}

/** A disclosed value as text: names and values of what it has inside. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain).join("; ");
  if (value !== null && typeof value === "object") return Object.entries(value).map(([name, each]) => `${name.replaceAll("_", " ")} ${plain(each)}`).join(", ");
  return String(value);
}

const last = (path) => path.slice(path.lastIndexOf("/") + 1);
