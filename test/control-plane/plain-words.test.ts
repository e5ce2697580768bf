import { expect, test } from "vitest";
import { z } from "zod";
import { plainWords } from "../../src/control-plane/api/plain-words.ts";
import { integrationName } from "../../src/protocol/envelope.ts";
import { paging, since } from "../../src/control-plane/api/lists.ts";

const item = z.strictObject({
  name: z.string().min(1).max(3),
  keys: z.array(z.object({ kty: z.string() })).min(2),
  review: z.literal(true).optional(),
  issuer: z.string().regex(/^h/, "words of its own").optional(),
});

const said = (schema: z.ZodType, value: unknown): string[] => {
  const { error } = schema.safeParse(value, { error: plainWords });
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
};

test.each([
  [item, { keys: 1, other: 2 }, ["name: is missing", "keys: must be a list", ': there is no member "other"']],
  [
    item,
    { name: "", keys: [{}] },
    ["name: must have at least 1 character", "keys.0.kty: is missing", "keys: must have at least 2 entries"],
  ],
  [
    item,
    { name: "long", keys: [{ kty: 1 }, null] },
    ["name: must have at most 3 characters", "keys.0.kty: must be text", "keys.1: must be an object"],
  ],
  [item, { name: "n", keys: [{ kty: "" }, { kty: "" }], review: 1 }, ["review: must be true"]],
  [item, { name: "n", keys: [{ kty: "" }, { kty: "" }], issuer: "x" }, ["issuer: words of its own"]],
  [z.object({ name: integrationName }), { name: "A B" }, ["name: is not well formed"]],
  [paging, { limit: "0" }, ["limit: must be at least 1"]],
  [paging, { limit: "many" }, ["limit: must be a number"]],
  [since, { since: "today" }, ["since: must be a time such as 2026-01-31T12:00:00Z"]],
])("%#: what is not as it must be is said in plain words", (schema, value, words) => {
  expect(said(schema, value).toSorted()).toEqual(words.toSorted());
});
