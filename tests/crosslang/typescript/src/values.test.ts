import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@bufbuild/protobuf";
import { expand, mismatch, pick } from "./values.js";

test("what matches", () => {
  const pairs: [JsonValue, JsonValue | undefined][] = [
    [null, undefined],
    ["$present", ""],
    [[], undefined],
    [{ $length: 0 }, undefined],
    [{ $length: 2 }, "x\u{1f642}"],
    [{ $at_least: 3 }, "12"],
    [{ $each: { a: 1 } }, [{ a: 1, b: 2 }]],
    [{ $contains: "b" }, "abc"],
    [{ a: { b: null } }, { a: { c: 1 } }],
  ];
  pairs.forEach(([pattern, actual]) => assert.equal(mismatch(pattern, actual), undefined));
});

test("what does not, and where", () => {
  assert.match(mismatch({ a: [{ b: "1" }] }, { a: [{ b: "2" }] }) ?? "", /^a\[0\]\.b: expected "1", got "2"$/);
  const pairs: [JsonValue, JsonValue | undefined][] = [
    [null, 0],
    ["$present", undefined],
    [[1], [1, 2]],
    [true, 1],
    ["1", 1],
    [{ $at_least: 3 }, "2"],
    [{ $at_least: 0 }, "x"],
    [{ $each: 1 }, [1, 2]],
    [{}, undefined],
  ];
  pairs.forEach(([pattern, actual]) => assert.notEqual(mismatch(pattern, actual), undefined));
});

test("variables and repetitions", () => {
  const written = { a: ["${run}-${text:2}", { $repeat: 2, item: { id: "e${i}" } }] };
  assert.deepEqual(expand(written, { run: "r" }), { a: ["r-xx", { id: "e0" }, { id: "e1" }] });
  assert.throws(() => expand("${nobody}", {}), /no variable nobody/);
});

test("parts of answers", () => {
  assert.equal(pick({ sessions: [{ id: "s" }] }, "sessions[0].id"), "s");
  assert.throws(() => pick({}, "a.b"), /nothing at a\.b/);
});
