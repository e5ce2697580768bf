import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Operation } from "./disk-log.ts";

type Change = Extract<Operation, { kind: "write" | "truncate" }>;

/** What becomes of a change that was not synced when the power went. */
export type Fate = "kept" | "lost" | "torn" | "scrambled";

const SECTOR = 512;

/** The bytes of one file, with room to grow. */
class Bytes {
  #room: Buffer;
  #length: number;

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#room = Buffer.from(bytes);
    this.#length = bytes.length;
  }

  get all(): Buffer {
    return this.#room.subarray(0, this.#length);
  }

  apply(change: Change): void {
    if (change.kind === "truncate") return this.#resize(change.length);
    const { offset, data } = change;
    this.#resize(Math.max(this.#length, offset + data.length));
    data.copy(this.#room, offset);
  }

  #resize(length: number): void {
    if (length > this.#room.length) {
      const room = Buffer.alloc(2 * length);
      this.all.copy(room);
      this.#room = room;
    }
    if (length < this.#length) this.#room.fill(0, length, this.#length);
    this.#length = length;
  }
}

/** The files of one directory as the disk has them: what is synced is kept, and what is not may be anything. */
export class DiskImage {
  readonly #durable = new Map<string, Bytes>();
  #pending: Change[] = [];

  /** Does one more thing. */
  apply(operation: Operation): void {
    if (operation.kind === "ack") return;
    if (operation.kind !== "sync") return void this.#pending.push(operation);
    const { file } = operation;
    const bytes = this.#durable.get(file) ?? new Bytes();
    this.#durable.set(file, bytes);
    for (const change of this.#pending) if (change.file === file) bytes.apply(change);
    this.#pending = this.#pending.filter((change) => change.file !== file);
  }

  /** Changes of that file that are not synced. */
  pendingOf(file: string): number {
    return this.#pending.filter((change) => change.file === file).length;
  }

  /** Writes the files as they may be found when the power is back. */
  async crash(
    dir: string,
    files: readonly string[],
    fateOf: () => Fate,
    random: () => number,
  ): Promise<void> {
    for (const file of files) {
      const found = new Bytes(this.#durable.get(file)?.all);
      for (const change of this.#pending) {
        const done = change.file === file ? suffered(change, fateOf(), random) : undefined;
        if (done !== undefined) found.apply(done);
      }
      if (found.all.length > 0) await writeFile(path.join(dir, file), found.all);
    }
  }
}

function suffered(change: Change, fate: Fate, random: () => number): Change | undefined {
  if (fate === "kept") return change;
  if (fate === "lost" || change.kind === "truncate") return undefined;
  const { data } = change;
  // Sectors are written whole; scrambled ones hold whatever was there.
  if (fate === "torn")
    return { ...change, data: data.subarray(0, Math.floor((random() * data.length) / SECTOR) * SECTOR) };
  return {
    ...change,
    data: Buffer.from(data.map((byte) => (random() < 0.5 ? byte : Math.floor(random() * 256)))),
  };
}
