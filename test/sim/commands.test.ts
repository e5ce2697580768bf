// The project's own commands as somebody types them: what makes no sense is refused before anything is started.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

interface Printed {
  readonly code: unknown;
  readonly out: string;
  readonly errors: string;
}

function ran(file: string, args: readonly string[]): Promise<Printed> {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [path, ...args], { timeout: 15_000 }, (error, out, errors) =>
      resolve({ code: error === null ? 0 : error.code, out, errors }),
    );
  });
}

const commands = [
  ["sim", "scripts/sim.ts"],
  ["bugs", "scripts/bugs.ts"],
  ["crash", "test/crash/run.ts"],
  ["fuzz", "test/fuzz/run.ts"],
  ["loss", "test/endurance/loss.ts"],
  ["soak", "test/endurance/soak.ts"],
  ["bench", "bench/main.ts"],
] as const;

test.each(commands)("%s refuses a flag that it does not have", async (name, file) => {
  const { code, out, errors } = await ran(file, ["--nosuch"]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(errors).toMatch(new RegExp(`^npm run ${name}: there is no flag --nosuch; there are --.*\n$`));
});

test("help is told, and is no mistake", async () => {
  const { code, out } = await ran("test/crash/run.ts", ["--help"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^npm run crash -- \[FLAGS\]: /);
});

test.each([
  ["--seed 4711 --only 9999", "--only: seed 4711 has the faults 0 to 1, and none 9999"],
  ["--only 3", "--only is for one seed: name it with --seed"],
  ["--seed 3 --seeds 4", "--seeds is for many seeds: leave out --seed"],
  ["--from 4294967295 --seeds 2", "--from and --seeds go beyond the last seed, 4294967295"],
])("sim %s is refused", async (args, says) => {
  const { code, out, errors } = await ran("scripts/sim.ts", args.split(" "));
  expect({ code, out, errors }).toEqual({ code: 2, out: "", errors: `npm run sim: ${says}\n` });
});
