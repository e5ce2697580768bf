import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { filled, Running } from "../conformance/running.ts";
import type { Target } from "../fake/targets.ts";
import { folder, pause } from "../process/programs.ts";
import { longChain, POLITE, type Rogue, rogue, ROGUES } from "../rogue/targets.ts";
import { OWN } from "../conformance/subjects.ts";

/** Each look is given so long, and a second to end. */
const TIMEOUT_MS = 5_000;
/** What starting the program, and a busy machine, add. */
const SLACK_MS = 6_000;
const MOST_GAIN_MIB = 32;
/** Small enough that V8 collects in a run of seconds: what is kept can be told from garbage. */
const SMALL_HEAP = "--max-old-space-size=32 --max-semi-space-size=1";
const SECRET = JSON.stringify({ username: "u", password: "the password of a canary" });

interface Seen {
  readonly reports: readonly {
    readonly name: string;
    readonly state: string;
    readonly reason: string | null;
  }[];
  readonly peakMiB: number;
  readonly ms: number;
  readonly errors: string;
}

/** `mooring check` of those integrations, in a process with a small heap, with the most memory that it had. */
async function checked(integrations: readonly object[]): Promise<Seen> {
  await using dir = await folder();
  const config = join(dir.path, "mooring.yaml");
  await writeFile(config, JSON.stringify({ integrations }));
  const since = performance.now();
  const environment = { NODE_OPTIONS: SMALL_HEAP, MOORING_SECRET_CANARY: SECRET };
  await using program = new Running(filled(`${OWN} check {config} --json`, { config }), environment);
  let peak = 0;
  while (!program.isOver) {
    peak = Math.max(peak, program.rssOrZero);
    await pause(10);
  }
  const json = /^\[.*^\]/ms.exec(program.output)?.[0] ?? program.output;
  const reports = JSON.parse(json) as Seen["reports"];
  return {
    reports,
    peakMiB: peak / 1_048_576,
    ms: performance.now() - since,
    errors: program.output.replace(json, "").trim(),
  };
}

function integration(
  index: number,
  { type, config = {} }: Pick<Rogue, "type" | "config">,
  { port }: Target,
): object {
  const place = type === "http" ? { url: `http://127.0.0.1:${port}/` } : { host: "127.0.0.1", port };
  const secret = type === "postgresql" ? { secret: { store: "env", variable: "MOORING_SECRET_CANARY" } } : {};
  return {
    name: `rogue-${index}`,
    type,
    timeout: `${TIMEOUT_MS / 1_000}s`,
    config: { ...place, ...config },
    ...secret,
  };
}

test(
  "rogue targets: each told by a reason of the table, in time, within 32 MiB, without a crash",
  { timeout: 120_000 },
  async () => {
    await using parts = new AsyncDisposableStack();
    const checkedAll = async (kinds: readonly Pick<Rogue, "type" | "talk">[]): Promise<Seen> => {
      const targets = await Promise.all(kinds.map(async (kind) => parts.use(await rogue(kind))));
      return checked(ROGUES.map((kind, index) => integration(index, kind, targets[index] as Target)));
    };
    const calm = await checkedAll(ROGUES.map(({ type }) => ({ type, talk: POLITE[type] })));
    const seen = await checkedAll(ROGUES);
    for (const [index, { name, type, reasons }] of ROGUES.entries()) {
      const report = seen.reports.find((candidate) => candidate.name === `rogue-${index}`);
      expect(reasons, `${type}: ${name}: told as ${report?.state} ${report?.reason}`).toContain(
        report?.reason,
      );
    }
    expect(seen.errors, "nothing but the reports").toBe("");
    expect(seen.ms, "ms for all of them").toBeLessThan(TIMEOUT_MS + 1_000 + SLACK_MS);
    expect(
      seen.peakMiB - calm.peakMiB,
      `MiB more than with polite servers (${Math.round(calm.peakMiB)})`,
    ).toBeLessThan(MOST_GAIN_MIB);
  },
);

test("a certificate chain of 2,000", { timeout: 60_000 }, async () => {
  await using target = await longChain(2_000);
  const { reports, peakMiB } = await checked([integration(0, { type: "tls" }, target)]);
  expect(["tls_handshake_failed", "certificate_untrusted", "tls_timeout"]).toContain(reports[0]?.reason);
  expect(peakMiB).toBeLessThan(200);
});
