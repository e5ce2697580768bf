import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../src/connector/failure.ts";
import { fieldsOf, valuesOf } from "../../../src/connector/secrets/fields.ts";
import { jsonMistake } from "../../../src/connector/secrets/fields/json-mistake.ts";
import type { Secret } from "../../../src/connector/secrets/secret-store.ts";

const LOGIN = [["username", "password"]];
const EITHER = [["token"], ["username", "password"]];

type Shapes = readonly (readonly string[])[];

function read(secret: Secret | string, shapes: Shapes, mapping: Record<string, string> = {}) {
  return fieldsOf(typeof secret === "string" ? { text: secret } : secret, { shapes, mapping });
}

function failureOf(secret: Secret | string, shapes: Shapes, mapping: Record<string, string> = {}): Failure {
  try {
    read(secret, shapes, mapping);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it could be read");
}

describe("a JSON object", () => {
  test("gives the fields of the shape, and no other", () => {
    expect(read('{"username":"u","password":"p","port":1}', LOGIN)).toEqual({ username: "u", password: "p" });
  });

  test("the first shape that is whole is taken", () => {
    expect(read('{"token":"t","username":"u","password":"p"}', EITHER)).toEqual({ token: "t" });
    expect(read('{"username":"u","password":"p"}', EITHER)).toEqual({ username: "u", password: "p" });
  });

  test("of none that is whole, the one of which most is there is missed", () => {
    expect(failureOf('{"username":"u"}', EITHER).evidence).toMatchObject({
      field: "password",
      key: "password",
    });
    expect(failureOf("{}", EITHER).evidence).toMatchObject({ field: "token" });
  });

  test("fields are mapped", () => {
    const mapping = { username: "user" };
    expect(read('{"user":"u","username":"no","password":"p"}', LOGIN, mapping)).toEqual({
      username: "u",
      password: "p",
    });
    expect(failureOf('{"username":"u","password":"p"}', LOGIN, mapping).evidence).toMatchObject({
      field: "username",
      key: "user",
    });
  });

  test("values are kept as they are, spaces too", () => {
    expect(read('{"username":" u","password":"p "}', LOGIN)).toEqual({ username: " u", password: "p " });
  });

  test("an inherited name is no field", () => {
    expect(failureOf('{"__proto__":{"username":"u","password":"p"}}', LOGIN).reason).toBe(
      "secret_field_missing",
    );
  });

  test.each([
    ["user", "username"],
    ["Login", "username"],
    ["PWD", "password"],
    ["PASSWORD", "password"],
  ])("%s may be %s", (key, field) => {
    const other = field === "username" ? "password" : "username";
    const { reason, evidence } = failureOf(JSON.stringify({ [key]: "value", [other]: "x" }), LOGIN);
    expect([reason, evidence["field"], evidence["near"]]).toEqual(["secret_field_missing", field, key]);
  });

  test("a name that is none of ours is not repeated", () => {
    const { evidence } = failureOf('{"hunter2":"x","password":"p"}', LOGIN);
    expect(JSON.stringify(evidence)).not.toContain("hunter2");
  });

  test.each(["5", "null", "true", "[]", "{}"])("a field that is %s is no string", (value) => {
    expect(failureOf(`{"username":"u","password":${value}}`, LOGIN).reason).toBe("secret_unparsable");
  });

  test.each(['""', '" \\n"'])("a field that is %s is empty", (value) => {
    const { reason, evidence } = failureOf(`{"username":"u","password":${value}}`, LOGIN);
    expect([reason, evidence["key"]]).toEqual(["secret_field_empty", "password"]);
  });
});

describe("plain text", () => {
  test.each([
    ["tok", "tok"],
    ["  tok\n", "tok"],
    ["12345", "12345"],
    ["null", "null"],
    ['"quoted"', '"quoted"'],
    ["[x]", "[x]"],
    ["a{b", "a{b"],
  ])("%j is the one field", (text, token) => expect(read(text, EITHER)).toEqual({ token }));

  test("goes by the mapped name too", () => {
    expect(read("tok", EITHER, { token: "api_key" })).toEqual({ token: "tok" });
  });

  test.each(["tok", "12345", "null", "[]"])("%j is not taken for two fields", (text) => {
    const failure = failureOf(text, LOGIN);
    expect(failure.reason).toBe("secret_unparsable");
    expect(JSON.stringify(failure.evidence)).not.toContain("tok");
  });

  test("what begins as an object must be one", () => {
    const failure = failureOf('{"token": hunter2}', EITHER);
    expect(failure.reason).toBe("secret_unparsable");
    expect(JSON.stringify([failure.evidence, String(failure.cause)])).not.toContain("hunter2");
  });

  test.each([
    ["{'user': 1}", 1, 2],
    ['{"username": "u",\n  "password": hunter2}', 2, 15],
    ['{"username": "u"\n  "password": "p"}', 2, 3],
    ['{"username": "u",}', 1, 18],
    ['{"username": "u", "password": "p"', 1, 34],
    ['{"username": "u", "password": "p\nq"}', 1, 31],
    ['{"a": [1, 2}', 1, 12],
    ['{"a": 1} x', 1, 10],
    ['{"a": 01}', 1, 8],
    ['\n{"a": tru}', 2, 7],
  ])("%j is told by line and column, and not repeated", (text, line, column) => {
    const { reason, evidence } = failureOf(text, LOGIN);
    expect(reason).toBe("secret_unparsable");
    expect(evidence["trouble"]).toBe(`it is not valid JSON from line ${line}, column ${column} on`);
  });

  test("a mistake is found wherever the parser finds one, and nowhere else", () => {
    const pieces = fc.oneof(
      fc.constantFrom('"a"', "true", "null", "12", "\\u00", "é", "\u0001", "\u007f"),
      fc.string({
        unit: fc.constantFrom("{", "}", "[", "]", ",", ":", '"', " ", "\\", "1", "e", "-", ".", "\n"),
        maxLength: 2,
      }),
    );
    const texts = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join("")),
      fc.json(),
      fc
        .tuple(fc.json(), fc.nat(), pieces)
        .map(([text, at, piece]) => text.slice(0, at % 20) + piece + text.slice(at % 20)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(jsonMistake(text) === undefined).toBe(valid);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each(["", " \n\t"])("%j is empty", (text) => {
    expect(failureOf(text, EITHER).reason).toBe("secret_field_empty");
  });
});

test("a store that gives fields needs no text", () => {
  expect(read({ fields: { username: "u", password: "p" } }, LOGIN)).toEqual({ username: "u", password: "p" });
  expect(failureOf({ fields: {} }, LOGIN).reason).toBe("secret_field_missing");
});

test("of a secret that is as deep as it likes, the values are all that is in it", () => {
  const deep = `${"[".repeat(200_000)}"down-there"${"]".repeat(200_000)}`;
  const values = valuesOf({
    text: `{"a": ${deep}, "b": "beside-it"}`,
    fields: { c: JSON.parse(deep) as unknown },
  });
  expect(values).toEqual(expect.arrayContaining(["down-there", "beside-it"]));
});

test("the values of a secret are all that is in it, also below", () => {
  const text = '{"username":" u ","password":"p","more":{"list":["deep",42]},"none":null,"empty":""}';
  expect(new Set(valuesOf({ text }))).toEqual(new Set([text, " u ", "u", "p", "deep", "42"]));
  expect(new Set(valuesOf({ text: " plain\n", fields: { a: "b" } }))).toEqual(
    new Set([" plain\n", "plain", "b"]),
  );
});
