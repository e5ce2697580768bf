import { expect, test } from "vitest";
import { nearNames } from "../../src/connector/nearest.ts";

const KNOWN = [
  "prod/orders-db",
  "dev/orders-db",
  "prod/billing",
  "prod/orders-db-replica",
  "search",
  "Staging_Search",
];

test.each<[name: string, near: string[]]>([
  ["Prod/Orders-DB", ["prod/orders-db", "dev/orders-db", "prod/orders-db-replica"]],
  ["production/orders-db", ["prod/orders-db", "dev/orders-db", "prod/orders-db-replica"]],
  ["prod-orders-db", ["prod/orders-db", "dev/orders-db", "prod/orders-db-replica"]],
  ["orders-db", ["dev/orders-db", "prod/orders-db", "prod/orders-db-replica"]],
  ["qa/orders-db", ["dev/orders-db", "prod/orders-db", "prod/orders-db-replica"]],
  ["prod/biling", ["prod/billing"]],
  ["stg/search", ["Staging_Search", "search"]],
  ["payments", []],
  ["prod", []],
  ["search", ["Staging_Search"]],
])("near to %s", (name, near) => {
  expect(nearNames(name, KNOWN)).toEqual(near);
});

test("at most as many as are wanted, each once", () => {
  expect(nearNames("a-b", ["a_b", "a_b", "a.b", "a/b", "A-B"], 2)).toEqual(["A-B", "a_b"]);
});
