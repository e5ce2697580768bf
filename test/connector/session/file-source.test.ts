import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/connector/clock.ts";
import type { Configuration, Problem } from "../../../src/connector/item.ts";
import { followFile, markOf } from "../../../src/connector/sources/file.ts";
import { eventually, folder, loadLines } from "./harness.ts";

interface Followed extends AsyncDisposable {
  readonly sets: string[];
  readonly problems: (readonly Problem[])[];
}

async function follow(file: string): Promise<Followed> {
  const over = new AbortController();
  const sets: string[] = [];
  const problems: (readonly Problem[])[] = [];
  const running = followFile(
    {
      file,
      seen: await markOf(file),
      load: loadLines,
      clock: systemClock,
      onConfiguration: ({ items }: Configuration) => sets.push(items.map(({ name }) => name).join(" ")),
      onProblems: (found) => problems.push(found),
    },
    over.signal,
  );
  return {
    sets,
    problems,
    async [Symbol.asyncDispose]() {
      over.abort();
      await running;
    },
  };
}

test("a write in place, an editor's rename, and a write in several steps are one reload each", async () => {
  await using place = await folder();
  const file = join(place.path, "config");
  await writeFile(file, "a 1\n");
  await using followed = await follow(file);
  await writeFile(file, "b 1\n");
  await eventually(() => followed.sets.length === 1);
  await writeFile(join(place.path, ".config.swp"), "c 1\n");
  await rename(join(place.path, ".config.swp"), file);
  await eventually(() => followed.sets.length === 2);
  for (const text of ["d 1\n", "d 1\ne", "d 1\ne 2\n"]) {
    await writeFile(file, text);
    await new Promise((resolve) => {
      setTimeout(resolve, 40);
    });
  }
  await eventually(() => followed.sets.length === 3);
  expect(followed.sets).toEqual(["b", "c", "d e"]);
  expect(followed.problems.flat()).toEqual([]);
});

test("the ..data link of a Kubernetes volume swings over", async () => {
  await using place = await folder();
  const version = async (name: string, text: string): Promise<void> => {
    await mkdir(join(place.path, name));
    await writeFile(join(place.path, name, "config"), text);
    await symlink(name, join(place.path, "..data_tmp"));
    await rename(join(place.path, "..data_tmp"), join(place.path, "..data"));
  };
  await version("..2026_1", "a 1\n");
  const file = join(place.path, "config");
  await symlink(join("..data", "config"), file);
  await using followed = await follow(file);
  await version("..2026_2", "b 1\n");
  await rm(join(place.path, "..2026_1"), { recursive: true });
  await eventually(() => followed.sets.length === 1);
  await version("..2026_3", "c 1\n");
  await eventually(() => followed.sets.length === 2);
  expect(followed.sets).toEqual(["b", "c"]);
});

test("a change that is not good is told, and the next good one too", async () => {
  await using place = await folder();
  const file = join(place.path, "config");
  await writeFile(file, "a 1\n");
  await using followed = await follow(file);
  await writeFile(file, "a 1\nrubbish\n");
  await eventually(() => followed.problems.length === 1);
  expect(followed.problems[0]).toMatchObject([{ line: 2, text: "is no integration" }]);
  expect(followed.sets).toEqual([]);
  await writeFile(file, "b 1\n");
  await eventually(() => followed.sets.length === 1);
  expect(followed.problems[1]).toEqual([]);
});

test("what changed between the reading and the following is not missed", async () => {
  await using place = await folder();
  const file = join(place.path, "config");
  await writeFile(file, "a 1\n");
  const seen = await markOf(file);
  await writeFile(file, "b 1\n");
  const over = new AbortController();
  const sets: number[] = [];
  const running = followFile(
    {
      file,
      seen,
      load: loadLines,
      clock: systemClock,
      onConfiguration: ({ items }) => sets.push(items.length),
      onProblems: () => {},
    },
    over.signal,
  );
  await eventually(() => sets.length === 1, 2_000);
  over.abort();
  await running;
});
