// pydantic, as far as the models of the core go: strict, closed, read from JSON or from plain values.
//
// A type becomes a function `check(value)` that returns the value, or BAD after it has noted why in `problems`; who
// called it for a part of his own puts the place of that part in front. Order and words are pydantic's, so that the
// first problem, which is what people are shown, is the same here and there.

import * as $ from "../runtime.js";
import * as json from "./json.js";
import * as typing from "./typing.js";

const BAD = Symbol("bad");
const NOT_IN_JSON = "Input should be a valid dictionary or instance of ";
let problems = [];
let fromJson = false;

export const ValidationError = $.exception("ValidationError", $.ValueError);
Object.assign(ValidationError.prototype, {
  $error_count() {
    return this.problems.length;
  },
  $errors() {
    return this.problems.map(({ type, loc, msg, ctx }) =>
      $.Dict.of([["type", type], ["loc", $.tuple(loc)], ["msg", msg], ["ctx", $.Dict.of(Object.entries(ctx))]]),
    );
  },
});
ValidationError.prototype.$errors.$$params = ["include_url", "include_input"];

function bad(type, msg, ctx = {}) {
  problems.push({ type, msg, ctx, loc: [] });
  return BAD;
}

/** What `check` gives for a part, with `place` put in front of the problems it notes. */
function within(place, check, value) {
  const before = problems.length;
  const found = check(value);
  if (found === BAD) for (let n = before; n < problems.length; n++) problems[n].loc.unshift(place);
  return found;
}

function validate(check, value, inJson) {
  const outside = [problems, fromJson];
  problems = [];
  fromJson = inJson;
  try {
    const found = check(value);
    if (found !== BAD) return found;
    throw invalid(problems);
  } finally {
    [problems, fromJson] = outside;
  }
}

function invalid(found) {
  const error = new ValidationError(found.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("\n"));
  error.problems = found;
  return error;
}

// What is said about types

class FieldInfo {
  constructor(said) {
    this.said = said;
  }
}

export function Field([value], said) {
  return new FieldInfo(value === undefined ? said : { default: value, ...said });
}
Field.$$kw = true;

class Afterwards {
  constructor(work) {
    this.work = work;
  }
}

export function AfterValidator(work) {
  return new Afterwards(work);
}

export function ConfigDict() {
  return null;
}
ConfigDict.$$kw = true;

export const StrictStr = $.str;
export const StrictInt = $.int;
export const StrictBool = $.bool;

// From types to checks

const checks = new Map();

function checkOf(type) {
  let check = checks.get(type);
  if (check === undefined) checks.set(type, (check = makeCheck(type, {})));
  return check;
}

function makeCheck(type, said) {
  if (type.$__metadata__) return annotated(type, said);
  if (type.$__supertype__) return makeCheck(type.$__supertype__, said);
  if (type === $.str) return string(said);
  if (type === $.int) return integer(said);
  if (type === $.bool) return labelled("bool", (value) =>
    typeof value === "boolean" ? value : bad("bool_type", "Input should be a valid boolean"));
  if (type.$$model) return (value) => type.$$model.check(value);
  if (type instanceof $.Union) return said.discriminator ? tagged(type, said.discriminator) : union(type);
  switch (type.$__origin__) {
    case typing.Literal:
      return literal([...type.$__args__]);
    case $.list:
      return list(checkOf(type.$__args__[0]), said);
    case $.dict:
      return dict(...type.$__args__.map(checkOf));
  }
  throw new Error(`no form is made of ${$.repr(type)}`);
}

function labelled(label, check) {
  check.label = label;
  return check;
}

function annotated({ $__origin__: type, $__metadata__: metadata }, outer) {
  const said = Object.assign({}, ...metadata.map((each) => each.said), outer);
  const inner = makeCheck(type, said);
  return metadata.reduce((check, each) => (each instanceof Afterwards ? after(check, each.work) : check), inner);
}

function after(check, work) {
  return labelled("function-after", (value) => {
    const found = check(value);
    return found === BAD ? BAD : worked(() => work(found));
  });
}

/** What `work` gives; a ValueError of it is a problem. */
function worked(work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof $.ValueError)) throw error;
    return bad("value_error", `Value error, ${$.str(error)}`);
  }
}

const many = (count) => (count === 1 ? "" : "s");

function string({ min_length: min, max_length: max, pattern }) {
  const form = pattern && new RegExp(pattern, "u");
  const bounded = min !== undefined || max !== undefined;
  return labelled(form || bounded ? "constrained-str" : "str", (value) => {
    if (typeof value !== "string") return bad("string_type", "Input should be a valid string");
    if (bounded) {
      const length = $.len(value);
      if (length > max) {
        return bad("string_too_long", `String should have at most ${max} character${many(max)}`);
      }
      if (length < min) {
        return bad("string_too_short", `String should have at least ${min} character${many(min)}`);
      }
    }
    if (form && !form.test(value)) {
      return bad("string_pattern_mismatch", `String should match pattern '${pattern}'`, { pattern });
    }
    return value;
  });
}

function integer({ ge, le }) {
  const bounded = ge !== undefined || le !== undefined;
  return labelled(bounded ? "constrained-int" : "int", (value) => {
    if (typeof value !== "number" && typeof value !== "bigint") {
      return bad("int_type", "Input should be a valid integer");
    }
    if (value > le) return bad("less_than_equal", `Input should be less than or equal to ${le}`);
    if (value < ge) return bad("greater_than_equal", `Input should be greater than or equal to ${ge}`);
    return value;
  });
}

function literal(values) {
  const known = new Set(values);
  const named = values.map($.repr);
  const last = named.pop();
  const expected = named.length ? `${named.join(", ")} or ${last}` : last;
  return labelled(`literal[${values.map($.repr).join(",")}]`, (value) =>
    known.has(value) ? value : bad("literal_error", `Input should be ${expected}`));
}

function list(check, { min_length: min, max_length: max }) {
  return (value) => {
    if (!Array.isArray(value) || value instanceof $.Tuple) {
      return bad("list_type", `Input should be a valid ${fromJson ? "array" : "list"}`);
    }
    const before = problems.length;
    const found = [];
    for (let place = 0; place < value.length; place++) {
      if (place >= max) {
        problems.length = before;
        return bad("too_long", `List should have at most ${amount(max)} after validation, not ${value.length}`);
      }
      found.push(within(place, check, value[place]));
    }
    if (problems.length > before) return BAD;
    if (found.length < min) {
      return bad("too_short", `List should have at least ${amount(min)} after validation, not ${found.length}`);
    }
    return found;
  };
}

const amount = (count) => `${count} item${many(count)}`;

function dict(key, value) {
  return (given) => {
    if (!(given instanceof $.Dict)) {
      return bad("dict_type", fromJson ? "Input should be an object" : "Input should be a valid dictionary");
    }
    const before = problems.length;
    const found = new $.Dict();
    for (const [name, each] of given.pairs()) {
      within(name, (it) => within("[key]", key, it), name);
      found.set(name, within(name, value, each));
    }
    return problems.length > before ? BAD : found;
  };
}

function union({ $__args__: types }) {
  const chosen = [...types].filter((type) => type !== $.NoneType).map(checkOf);
  const some = chosen.length === 1 ? chosen[0] : oneOf(chosen);
  if (chosen.length === types.length) return some;
  return (value) => (value === null ? null : some(value));
}

function oneOf(chosen) {
  return (value) => {
    const before = problems.length;
    for (const check of chosen) {
      const found = within(check.label, check, value);
      if (found === BAD) continue;
      problems.length = before;
      return found;
    }
    return BAD;
  };
}

function tagged({ $__args__: types }, name) {
  const models = new Map();
  for (const model of types) {
    for (const tag of model.$model_fields.get(name).$annotation.$__args__) models.set(tag, model.$$model);
  }
  const expected = [...models.keys()].map($.repr).join(", ");
  return (value) => {
    if (!(value instanceof $.Dict)) return bad("dict_type", "Input should be an object");
    const tag = value.get(name);
    if (tag === undefined) {
      return bad("union_tag_not_found", `Unable to extract tag using discriminator '${name}'`);
    }
    const model = models.get(tag);
    if (model) return within(tag, model.check, value);
    const why = `Input tag '${$.str(tag)}' found using '${name}' does not match any of the expected tags: ${expected}`;
    return bad("union_tag_invalid", why);
  };
}

// Models

/** Reads the fields of a model when it is first asked for them: a class may name what is defined further down. */
class Model {
  constructor(kind, meta) {
    this.kind = kind;
    this.own = meta.fields;
    this.validators = new Map(Object.getPrototypeOf(kind).$$model?.validators);
    for (const [name, member] of meta.members) if (member?.$$after) this.validators.set(name, `$${name}`);
    this.check = (value) => this.validate(value);
  }

  get fields() {
    const inherited = Object.getPrototypeOf(this.kind).$$model?.fields ?? [];
    const own = this.own.map(([name, annotation, initial]) => new ModelField(name, annotation(), initial));
    const names = new Set(own.map((field) => field.name));
    const value = [...inherited.map((field) => own.find(({ name }) => name === field.name) ?? field)];
    const before = new Set(inherited.map((field) => field.name));
    value.push(...own.filter((field) => !before.has(field.name)));
    Object.defineProperty(this, "fields", { value });
    return value;
  }

  validate(value) {
    if (value instanceof this.kind) return value;
    if (!(value instanceof $.Dict)) {
      return bad("model_type", fromJson ? "Input should be an object" : NOT_IN_JSON + this.kind.$__name__);
    }
    const before = problems.length;
    const made = $.alloc(this.kind);
    let used = 0;
    for (const field of this.fields) {
      const given = value.get(field.key);
      if (given !== undefined) {
        used++;
        made[field.slot] = within(field.key, field.check, given);
      } else if (field.initial !== undefined) made[field.slot] = field.initial;
      else within(field.key, missing);
    }
    if (used < value.size) {
      const keys = new Set(this.fields.map((field) => field.key));
      for (const key of value) if (!keys.has(key)) within(key, extra);
    }
    if (problems.length > before) return BAD;
    for (const validator of this.validators.values()) {
      if (worked(() => made[validator]()) === BAD) return BAD;
    }
    return made;
  }
}

const missing = () => bad("missing", "Field required");
const extra = () => bad("extra_forbidden", "Extra inputs are not permitted");

class ModelField {
  constructor(name, type, initial) {
    const given = initial?.();
    const info = given instanceof FieldInfo ? given.said : { default: given };
    this.name = name;
    this.slot = `$${name}`;
    this.key = info.alias ?? name;
    this.initial = info.default;
    this.$alias = info.alias ?? null;
    this.$annotation = type.$__metadata__ ? type.$__origin__ : type;
    this.check = checkOf(type);
  }
}

export function model_validator() {
  return (work) => Object.assign(work, { $$after: true });
}
model_validator.$$params = ["mode"];

export const BaseModel = $.klass("BaseModel", [], { module: "pydantic", fields: [], options: {}, members: [] }, null);

BaseModel.$$define = (kind, meta) => {
  kind.$$model = new Model(kind, meta);
  Object.defineProperty(kind, "$$fields", { get: () => kind.$$model.fields.map((field) => field.name) });
  Object.defineProperty(kind, "$$slots", { get: () => kind.$$model.fields.map((field) => field.slot) });
  Object.defineProperty(kind, "$model_fields", {
    get: () => $.Dict.of(kind.$$model.fields.map((field) => [field.name, field])),
  });
  kind.$model_validate = (value) => validate(kind.$$model.check, value, false);
  kind.$model_construct = construct;
};

function construct(args, values, kind) {
  const made = $.alloc(kind);
  for (const field of kind.$$model.fields) made[field.slot] = values[field.name] ?? field.initial;
  return made;
}
construct.$$kw = true;

Object.assign(BaseModel.prototype, {
  /** A copy of the object as it is, with what was worked out of it, and with some fields changed. */
  $model_copy(update = null) {
    const copy = Object.assign($.alloc($.type(this)), this);
    if (update) for (const [name, value] of update.pairs()) copy[`$${name}`] = value;
    return copy;
  },
  /** The fields that are said, under the names they have in JSON. */
  $model_dump() {
    return plain(this);
  },
});
BaseModel.prototype.$model_copy.$$params = ["update"];
BaseModel.prototype.$model_dump.$$params = ["by_alias", "exclude_none"];
BaseModel.prototype[Symbol.iterator] = function* () {
  for (const field of $.type(this).$$model.fields) yield $.T(field.name, this[field.slot]);
};

function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof BaseModel)) return value;
  const said = new $.Dict();
  for (const field of $.type(value).$$model.fields) {
    if (value[field.slot] !== null) said.set(field.key, plain(value[field.slot]));
  }
  return said;
}

/** A validator of any of these types. */
export function TypeAdapter(type) {
  const check = checkOf(type);
  const $validate_json = (data) => validateJson(check, data);
  $validate_json.$$params = ["data", "strict"];
  return { $validator: { $validate_json } };
}
TypeAdapter.$$params = ["type", "config"];

function validateJson(check, data) {
  let read;
  try {
    read = json.read(data);
  } catch (error) {
    if (!(error instanceof json.NoJson)) throw error;
    throw invalid([{ type: "json_invalid", loc: [], msg: `Invalid JSON: ${error.message}`, ctx: {} }]);
  }
  return validate(check, read.value, true);
}
