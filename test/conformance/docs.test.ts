import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CONNECTOR_CASES } from "./connector-cases.ts";
import { PLANE_CASES } from "./plane-cases.ts";

test("the table of docs/protocol.md has a row for each of the 38 cases, and knows those that run", async () => {
  const page = await readFile(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const rows = [...(page.split("## 10.")[1] ?? "").matchAll(/^\| (\d+) +\|[^|]+\|([^|]+)\|$/gm)].map(
    ([, number, by = ""]) => [Number(number), by] as const,
  );
  expect(rows.map(([number]) => number)).toEqual(Array.from({ length: 38 }, (_, index) => index + 1));
  const numbersOf = (word: RegExp): number[] =>
    rows.filter(([, by]) => word.test(by)).map(([number]) => number);
  const unique = (cases: readonly { readonly number: number }[]): number[] => [
    ...new Set(cases.map(({ number }) => number)),
  ];
  expect(numbersOf(/conformance cp/)).toEqual(unique(PLANE_CASES));
  expect(numbersOf(/conformance( cp and)? connector/)).toEqual(unique(CONNECTOR_CASES));
});
