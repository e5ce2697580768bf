import { type Store, StoreError, type Transaction } from "../../../src/control-plane/store/store.ts";
import { MemoryStore } from "../../fake/memory-store.ts";
import type { Machine } from "./machine.ts";
import type { Timeline } from "./timeline.ts";

/** What a transaction wrote, in order: the method of `Transaction` and its arguments. */
export interface Write {
  readonly method: keyof Transaction;
  readonly args: readonly unknown[];
}

/** Longest commit of a disk that is well, milliseconds. */
const COMMIT_MS = 12;

/**
 * The disk, which outlives every process: what is committed is kept, what is not is lost with its process. A
 * process gets at it by a handle of its own.
 */
export class Disk {
  readonly #timeline: Timeline;
  readonly rows = new MemoryStore();
  /** Told of what each work of a commit wrote, in the moment of the commit: before anybody else knows. */
  onCommit: (works: readonly (readonly Write[])[]) => void = () => {};
  /** Until then commits take seconds, or are refused. */
  slowUntil = 0;
  fullUntil = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** The store as one process has it. */
  handle(machine: Machine): Store {
    return new Handle(this, machine, this.#timeline) as unknown as Store;
  }

  commitMs(): number {
    return this.#timeline.now < this.slowUntil
      ? this.#timeline.between(500, 4_000)
      : this.#timeline.between(0.1, COMMIT_MS);
  }

  get isFull(): boolean {
    return this.#timeline.now < this.fullUntil;
  }
}

const WRITES = /^(put|add|remove|keep)/;

/** A transaction that remembers what it writes. */
function recorded(tx: Transaction, writes: Write[]): Transaction {
  const entries = Object.entries(tx).map(([method, call]: [string, (...args: unknown[]) => unknown]) => {
    const note = (...args: unknown[]): unknown => {
      writes.push({ method: method as keyof Transaction, args });
      return call(...args);
    };
    return [method, WRITES.test(method) ? note : call];
  });
  return Object.fromEntries(entries) as Transaction;
}

interface Waiting {
  readonly work: (tx: Transaction) => Promise<unknown>;
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Works wait, are run together, and are committed together some milliseconds later; only then are their
 * callers told. A crash at any moment before the commit leaves nothing of them.
 */
class Handle {
  readonly #disk: Disk;
  readonly #machine: Machine;
  readonly #timeline: Timeline;
  #waiting: Waiting[] = [];
  #isBusy = false;
  trouble: string | undefined;

  constructor(disk: Disk, machine: Machine, timeline: Timeline) {
    this.#disk = disk;
    this.#machine = machine;
    this.#timeline = timeline;
    for (const name of READS) {
      const read = disk.rows[name].bind(disk.rows) as (...args: unknown[]) => Promise<unknown>;
      Object.assign(this, { [name]: (...args: unknown[]) => this.#read(() => read(...args)) });
    }
  }

  transact(work: (tx: Transaction) => Promise<unknown>): Promise<unknown> {
    return new Promise((done, failed) => {
      this.#waiting.push({ work, done, failed });
      this.#next();
    });
  }

  prune(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Nobody reads what is not committed. */
  #read(read: () => Promise<unknown>): Promise<unknown> {
    return this.#isBusy ? this.transact(read) : read();
  }

  #next(): void {
    if (this.#isBusy || this.#waiting.length === 0) return;
    this.#isBusy = true;
    // What arrives in this turn shares the commit.
    this.#timeline.after(0, () => this.#machine.run("timer", () => void this.#commit()));
  }

  async #commit(): Promise<void> {
    const group = this.#waiting.splice(0);
    const told: (() => void)[] = [];
    try {
      await this.#disk.rows.transact(async (tx) => {
        const works: Write[][] = [];
        for (const { work, done } of group) {
          const writes: Write[] = [];
          works.push(writes);
          const value = await work(recorded(tx, writes));
          told.push(() => done(value));
        }
        await this.#synced();
        this.#disk.onCommit(works);
      });
    } catch (error) {
      told.length = 0;
      for (const { failed } of group) told.push(() => failed(error));
    }
    // Between the commit and the telling there is time to die.
    this.#timeline.after(this.#timeline.between(0, 2), () =>
      this.#machine.run("timer", () => {
        for (const tell of told) tell();
        this.#isBusy = false;
        this.#next();
      }),
    );
  }

  /** Resolves when the disk has it. Rejects where it refuses, or where the process dies before. */
  #synced(): Promise<void> {
    const { killed } = this.#machine;
    return new Promise((resolve, reject) => {
      const undo = (): void => {
        due.isOff = true;
        reject(new Error("the process died"));
      };
      const due = this.#timeline.after(this.#disk.commitMs(), () => {
        killed.removeEventListener("abort", undo);
        if (this.#disk.isFull) reject(new StoreError("full", "The disk is full."));
        else resolve();
      });
      killed.addEventListener("abort", undo, { once: true });
    });
  }
}

const READS = [
  "connector",
  "connectorByName",
  "connectors",
  "allConnectors",
  "integration",
  "secret",
  "secrets",
  "integrations",
  "countIntegrations",
  "troubled",
  "history",
  "buckets",
  "command",
  "openCommands",
  "joinTokens",
  "audit",
] as const;
