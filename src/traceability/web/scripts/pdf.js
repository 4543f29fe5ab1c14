// The evidence file that a PDF carries as an attachment (ISO 32000-1, 7.11.4), found without reading the PDF's pages.
//
// Objects are looked for where they stand ("12 0 obj"), not through the cross-reference table, and in object streams;
// the newest of a number counts. Streams may be plain, deflated, or deflated and in base 85 or hex. A PDF only brings
// the file: whether that is evidence is for the verifier to say.

const ATTACHED_MAX = 256 * 1024 * 1024; // as core/evidence.py
const SUFFIX = ".evidence.json";
const latin = new TextDecoder("latin1");

/** Whether these bytes begin as a PDF does. */
export const isPdf = (bytes) => latin.decode(bytes.subarray(0, 1024)).includes("%PDF-");

/** Name and bytes of the evidence in a PDF. Throws PdfError: `none`, `locked` or `broken`. */
export async function evidenceIn(bytes) {
  const objects = await allObjects(bytes);
  const files = [...objects.values()].map((object) => attached(object.text)).filter(Boolean);
  const file = files.find(({ name }) => name.endsWith(SUFFIX)) ?? files.find(({ name }) => name.endsWith(".json"));
  if (!file) throw new PdfError("none");
  const object = objects.get(file.stream);
  if (!object?.stream) throw new PdfError("broken", `${file.name} is named and not there`);
  return { name: file.name, bytes: await opened(object) };
}

/** Why no evidence was found in a PDF: `code`, and for `broken` what is wrong. */
export class PdfError extends Error {
  constructor(code, why = "") {
    super(why || code);
    this.code = code;
  }
}

/** Every object by its number: its text up to its stream, and its stream as it stands. */
async function allObjects(bytes) {
  const text = latin.decode(bytes);
  if (/\/Encrypt\s*(?:\d+\s+\d+\s+R|<<)/.test(text)) throw new PdfError("locked");
  const objects = new Map();
  const begins = /(?:^|[\s>])(\d{1,10})\s+\d{1,5}\s+obj\b/g;
  for (let match; (match = begins.exec(text)); ) {
    const at = begins.lastIndex;
    const [end, begun] = cut(text, at);
    if (end < 0) break;
    const object = { text: text.slice(at, end), stream: null };
    if (begun >= 0) {
      const size = lengthOf(object.text, text);
      const over = size !== null && /^\s*endstream/.test(text.slice(begun + size, begun + size + 20)) ? begun + size : text.indexOf("endstream", begun);
      if (over < 0) throw new PdfError("broken", `the stream of object ${match[1]} has no end`);
      object.stream = bytes.subarray(begun, over);
      begins.lastIndex = over;
    }
    objects.set(Number(match[1]), object);
  }
  for (const object of [...objects.values()]) {
    if (object.stream && /\/Type\s*\/ObjStm\b/.test(object.text)) await unpack(object, objects);
  }
  return objects;
}

/** Where the text of an object that begins at `at` ends (-1: nowhere), and where its stream begins (-1: it has none). */
function cut(text, at) {
  const found = /(endobj)|\bstream(?:\r\n|\n)/g;
  found.lastIndex = at;
  const match = found.exec(text);
  return match ? [match.index, match[1] ? -1 : found.lastIndex] : [-1, -1];
}

/** The length a stream's dictionary gives, itself or in another object; null where it gives none. */
function lengthOf(dictionary, text) {
  const match = /\/Length\s+(\d+)(?:\s+(\d+)\s+R)?/.exec(dictionary);
  if (!match) return null;
  if (match[2] === undefined) return Number(match[1]);
  const other = new RegExp(`(?:^|\\s)${match[1]}\\s+${match[2]}\\s+obj\\s+(\\d+)\\s+endobj`).exec(text);
  return other ? Number(other[1]) : null;
}

/** Adds the objects of an object stream (7.5.7); one that stands by itself as well is newer or the same. */
async function unpack(object, objects) {
  const text = latin.decode(await opened(object));
  const first = Number(/\/First\s+(\d+)/.exec(object.text)?.[1] ?? 0);
  const numbers = (text.slice(0, first).match(/\d+/g) ?? []).map(Number);
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    const end = at + 3 < numbers.length ? first + numbers[at + 3] : text.length;
    if (!objects.has(numbers[at])) objects.set(numbers[at], { text: text.slice(first + numbers[at + 1], end), stream: null });
  }
}

/** Name and stream of the file that a file specification (7.11.3) embeds; null for any other object. */
function attached(text) {
  const stream = /\/EF\s*<<[^>]*?\/(?:UF|F)\s+(\d+)\s+\d+\s+R/.exec(text);
  if (!stream) return null;
  const rest = text.replace(/\/EF\s*<<[^>]*>>/, "");
  return { name: named(rest, "UF") ?? named(rest, "F") ?? "", stream: Number(stream[1]) };
}

/** The string under a key: literal or in hex, in UTF-16 or bytes. */
function named(text, key) {
  const match = new RegExp(`/${key}\\s*(?:\\(((?:[^()\\\\]|\\\\[\\s\\S])*)\\)|<([0-9A-Fa-f\\s]*)>)`).exec(text);
  if (!match) return null;
  const raw =
    match[2] !== undefined
      ? match[2].replace(/\s/g, "").replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)))
      : match[1].replace(/\\([0-7]{1,3}|[\s\S])/g, (_, said) => (/^[0-7]/.test(said) ? String.fromCharCode(parseInt(said, 8)) : said));
  const codes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  return codes[0] === 0xfe && codes[1] === 0xff ? new TextDecoder("utf-16be").decode(codes.subarray(2)) : latin.decode(codes);
}

/** What is in a stream, through its filters. */
async function opened(object) {
  const filters = [...(/\/Filter\s*(\[[^\]]*\]|\/\w+)/.exec(object.text)?.[1] ?? "").matchAll(/\/(\w+)/g)].map(([, name]) => name);
  if (/\/Predictor\s+(?!1\b)\d/.test(object.text)) throw new PdfError("broken", "a stream with a predictor");
  let bytes = object.stream;
  for (const filter of filters) {
    if (filter === "FlateDecode" || filter === "Fl") bytes = await inflated(bytes);
    else if (filter === "ASCIIHexDecode" || filter === "AHx") bytes = fromHex(latin.decode(bytes));
    else if (filter === "ASCII85Decode" || filter === "A85") bytes = from85(latin.decode(bytes));
    else throw new PdfError("broken", `a stream by ${filter}`);
  }
  return bytes;
}

async function inflated(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const chunks = [];
  let size = 0;
  try {
    for (let read; !(read = await reader.read()).done; ) {
      chunks.push(read.value);
      size += read.value.length;
      if (size > ATTACHED_MAX) throw new PdfError("broken", "what it carries is larger than 256 MiB");
    }
  } catch (error) {
    // A line end before "endstream" may follow the data; what was inflated before it is whole.
    if (error instanceof PdfError || !size) throw error instanceof PdfError ? error : new PdfError("broken", "a stream that cannot be inflated");
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function fromHex(text) {
  const digits = text.split(">")[0].replace(/\s/g, "");
  return Uint8Array.from({ length: Math.ceil(digits.length / 2) }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2).padEnd(2, "0"), 16));
}

function from85(text) {
  const bytes = [];
  let group = [];
  const take = () => {
    const size = group.length;
    while (group.length < 5) group.push(84);
    const value = group.reduce((sum, digit) => sum * 85 + digit, 0);
    for (let at = 0; at < size - 1; at++) bytes.push(Math.floor(value / 256 ** (3 - at)) % 256);
    group = [];
  };
  for (const letter of text.split("~>")[0].replace(/\s|<~/g, "")) {
    if (letter === "z" && !group.length) bytes.push(0, 0, 0, 0);
    else group.push(letter.charCodeAt(0) - 33);
    if (group.length === 5) take();
  }
  if (group.length) take();
  return Uint8Array.from(bytes);
}
