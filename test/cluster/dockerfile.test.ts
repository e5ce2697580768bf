import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { problemsOf } from "./dockerfile.ts";
import { SOURCES } from "./image.ts";

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), "utf8");

test("the Dockerfile has no problem", () => {
  expect(problemsOf(read("Dockerfile"))).toEqual([]);
});

const good = { base: "FROM node:24.1", user: "USER 65532:65532" };

test.each([
  ["DL3006", `FROM node\n${good.user}`],
  ["DL3006", `ARG BASE=example.com:5000/node\nFROM \${BASE}\n${good.user}`],
  ["DL3007", `FROM node:latest\n${good.user}`],
  ["DL3002", good.base],
  ["DL3002", `${good.base}\nUSER 1:1\nUSER root`],
  ["runAsNonRoot", `${good.base}\nUSER nonroot`],
  ["DL3020", `${good.base}\nADD a /a\n${good.user}`],
  ["DL3025", `${good.base}\n${good.user}\nCMD node a.js`],
  ["DL4006", `${good.base}\nRUN a \\\n  | b\n${good.user}`],
  [
    "DL3008",
    `${good.base}\nRUN apt-get install --no-install-recommends a && rm -rf /var/lib/apt/lists/*\n${good.user}`,
  ],
  ["DL3009", `${good.base}\nRUN apt-get install --no-install-recommends a=1\n${good.user}`],
  ["DL3015", `${good.base}\nRUN apt-get install a=1 && rm -rf /var/lib/apt/lists/*\n${good.user}`],
  ["buildah", `${good.base}\nCOPY --link a /a\n${good.user}`],
])("%s is found in %j", (rule, text) => {
  expect(problemsOf(text)).toEqual([expect.stringMatching(new RegExp(`^${rule}: `))]);
});

test("stages, digests and good bases are no problems", () => {
  const digest = `FROM node@sha256:${"0".repeat(64)}`;
  expect(problemsOf(`${good.base} AS one\n${digest} AS two\nFROM one\n${good.user}`)).toEqual([]);
});

test("only the sources that name the image's archive reach the build", () => {
  const [first, ...lines] = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(first).toBe("*");
  const allowed = lines.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  expect(["Dockerfile", ".dockerignore", ...allowed].toSorted()).toEqual(SOURCES.toSorted());
  expect(lines).toContain("**/.env");
});
