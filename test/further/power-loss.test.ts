import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSqlite } from "../../src/control-plane/store/sqlite.ts";
import { connectorRow } from "../control-plane/store/rows.ts";
import { seeded } from "../fake/random.ts";
import { canTrace, type Operation, traced } from "./power-loss/disk-log.ts";
import { DiskImage, type Fate } from "./power-loss/images.ts";
import { ROWS, rowOf, transactionsIn } from "./power-loss/rows.ts";

const DB = "mooring.db";
const WAL = "mooring.db-wal";
/** Enough for the log to be moved into the database, and begun anew, more than once. */
const COMMITS = 302;
const CRASHES = 200;
const SEED = 20_260_102;

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** Opens what the power left, as the control plane does; gives the transactions that are there. */
async function opened(dir: string): Promise<number[]> {
  const store = openSqlite(path.join(dir, DB));
  try {
    // It takes writes again.
    await store.transact((tx) => tx.putSetting("after", "the power was back"));
  } finally {
    await store.close();
  }
  return transactionsIn(path.join(dir, DB));
}

async function inFolder<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(path.join(tmpdir(), "mooring-power-"));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

describe.skipIf(!(await canTrace()))(
  "every write and sync, by strace (skipped where it may not trace)",
  () => {
    let operations: Operation[] = [];

    beforeAll(async () => {
      const writer = path.join(import.meta.dirname, "power-loss", "writer.ts");
      operations = await inFolder((dir) => traced(dir, [writer, path.join(dir, DB), String(COMMITS)]));
    });

    test("nothing is acked before its log is synced", () => {
      const image = new DiskImage();
      let acks = 0;
      for (const operation of operations) {
        image.apply(operation);
        if (operation.kind !== "ack") continue;
        expect(image.pendingOf(WAL), `ack ${operation.number}`).toBe(0);
        acks += 1;
      }
      expect(acks).toBe(COMMITS + 1);
      // The log was moved into the database, and begun anew.
      expect(operations.filter((each) => each.kind === "sync" && each.file === DB).length).toBeGreaterThan(1);
    });

    test(`the power goes ${CRASHES} times, at any write: all that was acked is there, whole and in order`, async () => {
      const first = operations.findIndex(({ kind }) => kind === "ack");
      const random = seeded(SEED);
      const at = Array.from(
        { length: CRASHES },
        () => first + Math.floor(random() * (operations.length - first)),
      );
      const moments = new Set(at);
      const image = new DiskImage();
      let acked = 0;
      for (const [place, operation] of operations.entries()) {
        image.apply(operation);
        if (operation.kind === "ack") acked = Math.max(acked, operation.number);
        if (!moments.has(place)) continue;
        const chosen = fate(random);
        const found = await inFolder(async (dir) => {
          await image.crash(dir, [DB, WAL], chosen, random);
          return opened(dir);
        });
        const says = `seed ${SEED}, operation ${place}: acked up to ${acked}`;
        expect(found.length, says).toBeGreaterThanOrEqual(acked);
        expect(found, says).toEqual(upTo(found.length));
      }
      expect(acked).toBe(COMMITS);
    });
  },
);

/** All kept, all lost, or each by itself. */
function fate(random: () => number): () => Fate {
  const dice = random();
  if (dice < 0.1) return () => "kept";
  if (dice < 0.2) return () => "lost";
  const fates = ["kept", "lost", "torn", "scrambled"] as const;
  return () => fates[Math.floor(random() * fates.length)] ?? "lost";
}

describe("the log beyond its length at the last ack", () => {
  const commits = 12;
  let dir = "";
  /** The log's length when so many were acked, by number. */
  const lengths: number[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "mooring-power-"));
    const store = openSqlite(path.join(dir, "live.db"));
    await store.transact((tx) => tx.putConnector(connectorRow("c")));
    for (let number = 0; number <= commits; number += 1) {
      if (number > 0)
        await store.transact(async (tx) => {
          for (let row = 0; row < ROWS; row += 1) await tx.addTransition(rowOf(number, row));
        });
      lengths.push((await readFile(path.join(dir, "live.db-wal"))).length);
    }
    await copyFile(path.join(dir, "live.db"), path.join(dir, DB));
    await copyFile(path.join(dir, "live.db-wal"), path.join(dir, WAL));
    await store.close();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const damages: readonly (readonly [
    string,
    (log: Buffer, length: number, random: () => number) => Buffer,
  ])[] = [
    ["cut there", (log, length) => log.subarray(0, length)],
    [
      "cut somewhere behind it",
      (log, length, random) => log.subarray(0, length + Math.floor(random() * (log.length - length))),
    ],
    [
      "scrambled behind it",
      (log, length, random) =>
        Buffer.from(
          log.map((byte, place) => (place < length || random() < 0.9 ? byte : Math.floor(random() * 256))),
        ),
    ],
    [
      "zero behind it",
      (log, length) => Buffer.concat([log.subarray(0, length), Buffer.alloc(log.length - length)]),
    ],
  ];

  test.each(damages)("%s: all that was acked is there", async (_name, damage) => {
    const random = seeded(SEED);
    const log = await readFile(path.join(dir, WAL));
    for (const [acked, length] of lengths.entries()) {
      const found = await inFolder(async (place) => {
        await copyFile(path.join(dir, DB), path.join(place, DB));
        await writeFile(path.join(place, WAL), damage(log, length, random));
        return opened(place);
      });
      expect(found, `seed ${SEED}, ${acked} acked`).toEqual(upTo(found.length));
      expect(found.length).toBeGreaterThanOrEqual(acked);
    }
  });
});
