import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { CLOSES } from "../../src/protocol/close-codes.ts";
import { ENROL_ERRORS, UPGRADE_ERRORS } from "../../src/protocol/enrolment.ts";
import { DATA, parseFrame } from "../../src/protocol/frames.ts";
import { protocolSchemas } from "../../src/protocol/json-schema.ts";
import { LIMITS } from "../../src/protocol/limits.ts";

const page = await readFile(path.join(import.meta.dirname, "../../docs/protocol.md"), "utf8");

test("every example is a frame that is read without a remark, and every type has one", () => {
  const examples = [...page.matchAll(/```json\n(.+?)\n```/gs)].map(([, text = ""]) => parseFrame(text));
  expect(examples.filter(({ kind }) => kind !== "frame")).toEqual([]);
  const shown = new Set(examples.flatMap((parsed) => (parsed.kind === "frame" ? [parsed.frame.type] : [])));
  expect([...shown].sort()).toEqual(Object.keys(DATA).sort());
});

test("every code, error and limit that the code has is told", () => {
  const told = [
    ...Object.values(CLOSES).map(({ code }) => String(code)),
    ...Object.keys(ENROL_ERRORS),
    ...Object.keys(UPGRADE_ERRORS),
    String(LIMITS.frameBytes),
    String(LIMITS.eventBytes),
  ];
  expect(told.filter((word) => !page.includes(word))).toEqual([]);
});

test("every frame and body has a JSON Schema", () => {
  const schemas = protocolSchemas();
  expect(Object.keys(schemas)).toHaveLength(Object.keys(DATA).length + 3);
  expect(schemas["dev.mooring.status.changed.v1"]).toMatchObject({
    type: "object",
    required: expect.arrayContaining(["sequence"]),
  });
});
