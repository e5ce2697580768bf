import { expect, test } from "vitest";
import { mergeSources } from "../../../src/connector/sources/merge.ts";
import { tcpItem } from "../session/harness.ts";
import { crdItem } from "./parts.ts";

const file = (name: string) => tcpItem(name, 1);
const remote = (name: string) => tcpItem(name, 2, { source: "remote" });

test("each integration has one owner: file wins over remote, a resource's name is its own", () => {
  const { items, conflicts } = mergeSources({
    file: [file("db"), file("shop")],
    crd: [crdItem("db.data", "1")],
    remote: [remote("db"), remote("api")],
  });
  expect(items.map(({ name, source }) => `${name} ${source}`)).toEqual([
    "db file",
    "shop file",
    "db.data crd",
    "api remote",
  ]);
  expect(conflicts.map(({ name, source }) => `${name} ${source}`)).toEqual(["db remote"]);
});
