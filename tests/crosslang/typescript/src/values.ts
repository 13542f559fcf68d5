/** The values of steps with their variables, and the patterns that answers are compared with. */
import type { JsonValue } from "@bufbuild/protobuf";

type Json = JsonValue | undefined;
type JsonMap = { [key: string]: JsonValue };
export type Variables = Readonly<Record<string, string>>;

/** A value with its variables and repetitions filled in. */
export function expand(value: JsonValue, variables: Variables): JsonValue {
  if (typeof value === "string") {
    return value.replace(/\$\{([^}]*)\}/g, (_, name: string) => variable(name, variables));
  }
  if (Array.isArray(value)) {
    return value.flatMap((entry) => repeated(entry, variables));
  }
  if (!isMap(value)) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, expand(entry, variables)]));
}

function repeated(entry: JsonValue, variables: Variables): JsonValue[] {
  if (!isMap(entry) || typeof entry.$repeat !== "number") {
    return [expand(entry, variables)];
  }
  const item = entry.item ?? null;
  return Array.from({ length: entry.$repeat }, (_, index) => expand(item, { ...variables, i: String(index) }));
}

function variable(name: string, variables: Variables): string {
  if (name.startsWith("text:")) {
    return "x".repeat(Number(name.slice("text:".length)));
  }
  const found = variables[name];
  if (found === undefined) {
    throw new Error(`no variable ${name}`);
  }
  return found;
}

/** Where and how an answer differs from what is expected; undefined when it does not. */
export function mismatch(pattern: JsonValue, found: Json, path = ""): string | undefined {
  let actual = found ?? null;
  if (Array.isArray(pattern) || (isMap(pattern) && ("$length" in pattern || "$each" in pattern))) {
    actual ??= [];
  }
  if (isMap(pattern)) {
    return mismatchMap(pattern, actual, path);
  }
  if (Array.isArray(pattern)) {
    if (!Array.isArray(actual) || actual.length !== pattern.length) {
      return difference(path, `${pattern.length} elements`, actual);
    }
    const elements = actual;
    return first(pattern.map((inner, index) => () => mismatch(inner, elements[index], `${path}[${index}]`)));
  }
  const same = pattern === "$present" ? actual !== null : pattern === actual;
  return same ? undefined : difference(path, JSON.stringify(pattern), actual);
}

function mismatchMap(pattern: JsonMap, actual: JsonValue, path: string): string | undefined {
  if ("$length" in pattern) {
    const fits = lengthOf(actual) === pattern.$length;
    return fits ? undefined : difference(path, `${pattern.$length} elements`, actual);
  }
  if ("$at_least" in pattern) {
    const number = typeof actual === "number" || (typeof actual === "string" && /^\d+$/.test(actual));
    const fits = number && Number(actual) >= Number(pattern.$at_least);
    return fits ? undefined : difference(path, `at least ${pattern.$at_least}`, actual);
  }
  if ("$each" in pattern) {
    const each = pattern.$each ?? null;
    if (!Array.isArray(actual)) {
      return difference(path, "an array", actual);
    }
    return first(actual.map((element, index) => () => mismatch(each, element, `${path}[${index}]`)));
  }
  if ("$contains" in pattern) {
    const fits = typeof actual === "string" && actual.includes(String(pattern.$contains));
    return fits ? undefined : difference(path, `something with ${JSON.stringify(pattern.$contains)}`, actual);
  }
  if (!isMap(actual)) {
    return difference(path, "an object", actual);
  }
  return first(Object.entries(pattern).map(([key, inner]) => () => mismatch(inner, actual[key], `${path}.${key}`)));
}

/** Elements of an array, or code points of a string. */
function lengthOf(value: JsonValue): number | undefined {
  return Array.isArray(value) || typeof value === "string" ? [...value].length : undefined;
}

function first(checks: (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const wrong = check();
    if (wrong !== undefined) {
      return wrong;
    }
  }
  return undefined;
}

function difference(path: string, expected: string, actual: JsonValue): string {
  const shown = JSON.stringify(actual).slice(0, 300);
  return `${path.replace(/^\./, "") || "the answer"}: expected ${expected}, got ${shown}`;
}

/** A part of an answer, by a path such as `sessions[0].id`, as text. */
export function pick(answer: JsonValue, path: string): string {
  let part: Json = answer;
  for (const name of path.match(/[^.[\]]+/g) ?? []) {
    part = Array.isArray(part) ? part[Number(name)] : isMap(part) ? part[name] : undefined;
  }
  if (part === undefined || part === null) {
    throw new Error(`nothing at ${path}`);
  }
  return typeof part === "string" ? part : JSON.stringify(part);
}

function isMap(value: Json): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
