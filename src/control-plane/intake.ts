import type { Frame, FrameOf, SequencedType } from "../protocol/frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { SessionPlace } from "./session-place.ts";
import { applySecrets } from "./secrets.ts";
import { Staging } from "./staging.ts";
import { applyReport, type StatusPlace, swapSnapshot } from "./status.ts";
import type { StreamRow } from "./store/rows.ts";
import type { Transaction } from "./store/store.ts";

/** A sequenced event as it was received. Without a frame it has no effect but its number. */
export interface Received {
  readonly sequence: number;
  readonly bytes: number;
  /** When it was received, monotonic milliseconds. */
  readonly at: number;
  readonly id: string;
  readonly frame?: Extract<Frame, { type: SequencedType }> | undefined;
}

/** What one transaction did. Nothing of it shows before it is committed. */
export interface Applied {
  mark: number;
  /** A number is missing: nothing after it was applied. */
  gap: boolean;
  /** The session's epoch is over. */
  superseded: boolean;
  readonly touched: Set<string>;
  /** Ids of secrets. */
  readonly secrets: Set<string>;
  readonly commands: Map<string, "accepted" | "progress" | "ended">;
  /** Events that were dropped, to be told by `session.error`. */
  readonly refused: { readonly id: string; readonly code: string; readonly message: string }[];
  needsSnapshot: boolean;
}

export interface StreamOf {
  readonly connectorId: string;
  readonly streamId: string;
  readonly epoch: number;
}

/** Applies a stream's events to the store: each once, in order, with its mark in the same transaction. */
export class Intake {
  readonly #place: SessionPlace;
  readonly #of: StreamOf;
  readonly #staging: Staging;

  constructor(place: SessionPlace, of: StreamOf) {
    this.#place = place;
    this.#of = of;
    this.#staging = new Staging(place.sha256);
  }

  /** Applies what follows the stored mark, and skips what was applied before. */
  async apply(tx: Transaction, events: readonly Received[]): Promise<Applied> {
    const { connectorId, streamId, epoch } = this.#of;
    const applied = nothingApplied();
    const connector = await tx.connector(connectorId);
    const stream = await tx.stream(connectorId, streamId);
    if (connector === undefined || connector.epoch !== epoch || stream === undefined)
      return { ...applied, superseded: true };
    const usedAt = this.#place.clock.now();
    let row: StreamRow = { ...stream, usedAt };
    for (const event of events) {
      if (event.sequence <= row.mark) continue;
      if (event.sequence > row.mark + 1) {
        applied.gap = true;
        break;
      }
      const whole = await this.#effect({ tx, connectorId, now: usedAt }, event, applied);
      row = { ...row, mark: event.sequence, snapshotPending: row.snapshotPending && !whole };
    }
    await tx.putStream(row);
    return { ...applied, mark: row.mark };
  }

  /** True where a snapshot became whole. */
  async #effect(at: StatusPlace, event: Received, applied: Applied): Promise<boolean> {
    const { frame } = event;
    if (frame === undefined) return false;
    switch (frame.type) {
      case "status.changed":
        await this.#changed(at, frame, applied);
        return false;
      case "status.snapshot":
        return this.#page(at, { frame, bytes: event.bytes }, applied);
      case "secrets.changed":
        for (const id of await applySecrets(at, frame.data)) applied.secrets.add(id);
        return false;
      case "command.accepted":
        await this.#place.commands.accepted(at.tx, at.connectorId, frame.data);
        applied.commands.set(frame.data.commandId, "accepted");
        return false;
      case "command.progress":
        await this.#place.commands.progressed(at.tx, at.connectorId, frame.data);
        applied.commands.set(frame.data.commandId, "progress");
        return false;
      case "command.result": {
        const name = await this.#place.commands.ended(at.tx, at.connectorId, frame.data);
        applied.commands.set(frame.data.commandId, "ended");
        if (name !== undefined) applied.touched.add(name);
        return false;
      }
    }
  }

  async #changed(at: StatusPlace, { id, data }: FrameOf<"status.changed">, applied: Applied): Promise<void> {
    const told = { observed: "event", coalesced: data.coalesced } as const;
    if (await applyReport(at, told, data)) {
      this.#staging.newer(data);
      applied.touched.add(data.name);
      return;
    }
    const message = `a connector has at most ${LIMITS.snapshotItems} integrations`;
    applied.refused.push({ id, code: "tooMany", message });
  }

  async #page(
    at: StatusPlace,
    { frame, bytes }: { frame: FrameOf<"status.snapshot">; bytes: number },
    applied: Applied,
  ): Promise<boolean> {
    const staged = this.#staging.page(frame.data, bytes);
    if (staged.kind === "refused") {
      applied.refused.push({ id: frame.id, code: staged.code, message: staged.message });
      applied.needsSnapshot = true;
    }
    if (staged.kind !== "whole") return false;
    for (const name of await swapSnapshot(at, staged.items)) applied.touched.add(name);
    return true;
  }
}

function nothingApplied(): Applied {
  return {
    mark: 0,
    gap: false,
    superseded: false,
    touched: new Set(),
    secrets: new Set(),
    commands: new Map(),
    refused: [],
    needsSnapshot: false,
  };
}
