import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLog } from "../../../src/connector/log.ts";
import { Scrubber, WITHHELD } from "../../../src/connector/scrub.ts";

function bench(): { readonly lines: string[]; readonly scrubber: Scrubber } & {
  readonly log: ReturnType<typeof createLog>;
} {
  const lines: string[] = [];
  const scrubber = new Scrubber();
  const write = (line: string): void => void lines.push(line);
  return { lines, scrubber, log: createLog({ level: "info", version: "1", scrubber, write }) };
}

test("one JSON line with a message, a level in words and a time", () => {
  const { lines, log } = bench();
  log.warn("Integration a is unreachable. 100% of it.", { integration: "a", reason: "connection_refused" });
  log.debug("not at this level");
  expect(lines.length).toBe(1);
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    service: "mooring-connector",
    version: "1",
    integration: "a",
    reason: "connection_refused",
    message: "Integration a is unreachable. 100% of it.",
  });
});

test("a value is withheld in the message, in any field and in any key, however it is written", () => {
  const { lines, log, scrubber } = bench();
  const value = 'p"w\\ö/+ d$1';
  scrubber.learn("a", [value]);
  log.error(`with ${value} inside`, {
    plain: value,
    deep: [{ url: `http://u:${encodeURIComponent(value)}@h/`, [value]: 1 }],
    basic: Buffer.from(value).toString("base64"),
  });
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    message: `with ${WITHHELD} inside`,
    plain: WITHHELD,
    deep: [{ url: `http://u:${WITHHELD}@h/`, [WITHHELD]: 1 }],
    basic: WITHHELD,
  });
});

test("names of the configuration stay readable though a value is a part of them, not the reverse", () => {
  const { scrubber } = bench();
  scrubber.keep(["orders-db", "orders"]);
  scrubber.learn("a", ["orders", "orders-s3cret", "abc"]);
  expect(scrubber.text("Integration orders-db: orders-s3cret of abc")).toBe(
    `Integration orders-db: ${WITHHELD} of abc`,
  );
  expect(scrubber.text("abc")).toBe(WITHHELD);
});

test("the value before the last change stays withheld, the one before that is forgotten", () => {
  const { scrubber } = bench();
  for (const value of ["first-value", "second-value", "third-value", "third-value"])
    scrubber.learn("a", [value]);
  expect(scrubber.text("first-value second-value third-value")).toBe(`first-value ${WITHHELD} ${WITHHELD}`);
  scrubber.retain(new Set(["b"]));
  expect(scrubber.text("third-value")).toBe("third-value");
});

test("thousands of secrets are learned in no time, and found", () => {
  const { scrubber } = bench();
  const started = performance.now();
  const values = Array.from(
    { length: 5_000 },
    (_, index) => `{"username": "user", "password": "canary-${index}-${"x".repeat(200)}"}`,
  );
  for (const [index, value] of values.entries()) scrubber.learn(String(index), [value]);
  for (const value of values.slice(0, 50)) expect(scrubber.text(`a ${value} b`)).toBe(`a ${WITHHELD} b`);
  // It took minutes, and then the pattern of them all was too large for one.
  expect(performance.now() - started).toBeLessThan(10_000);
});

test("a value that is no well-formed text is learned like any other", () => {
  const { scrubber } = bench();
  scrubber.learn("a", ["canary-\ud800-lone"]);
  expect(scrubber.text("a canary-\ud800-lone b")).toBe(`a ${WITHHELD} b`);
});

test("whatever the value and the text around it, the line is JSON and the value is not in it", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 4, unit: "binary" }),
      fc.string(),
      fc.string(),
      (value, before, after) => {
        fc.pre(!WITHHELD.includes(value) && !`${WITHHELD}${WITHHELD}`.includes(value));
        const { lines, log, scrubber } = bench();
        scrubber.learn("a", [value]);
        log.info("m", { text: `${before}${value}${after}` });
        const { text } = JSON.parse(lines[0] ?? "") as { text: string };
        fc.pre(!`${before}${WITHHELD}${after}`.includes(value));
        expect(text).not.toContain(value);
      },
    ),
    { numRuns: 500 },
  );
});
