import { randomBytes } from "node:crypto";
import { uuidv7 } from "../../src/protocol/envelope.ts";
import { FakeConnector, type FakeIdentity } from "../fake/connector.ts";
import { holds } from "./case.ts";
import { nthReport } from "./guest.ts";
import type { PlaneSubject } from "./subjects.ts";

const NAME = "flips";

/**
 * One stream of changes of one integration over as many sockets as it takes, as an honest connector tells it: what is
 * not acked is sent again.
 */
export class Teller implements AsyncDisposable {
  readonly streamId = uuidv7(Date.now(), randomBytes);
  readonly instanceId = "teller";
  readonly #plane: PlaneSubject;
  readonly #identity: FakeIdentity;
  #guest: FakeConnector | undefined;
  /** Changes that were told: change n has sequence n + 1, behind a snapshot. */
  told = 0;
  acked = 0;

  constructor(plane: PlaneSubject, identity: FakeIdentity) {
    this.#plane = plane;
    this.#identity = identity;
  }

  get guest(): FakeConnector {
    if (this.#guest === undefined) throw new Error("the teller is not connected");
    return this.#guest;
  }

  /** Connects and sends again what is not acked. Throws where the control plane lost what it had acked. */
  async connect(): Promise<void> {
    const guest = await FakeConnector.open(this.#plane.url, this.#identity);
    this.#guest = guest;
    const next = this.told + 2;
    Object.assign(guest, { streamId: this.streamId, instanceId: this.instanceId, next });
    const stream = { id: this.streamId, first: this.acked + 1, next, acked: this.acked };
    const { data } = await guest.greet({ stream });
    const { last } = data.resume;
    holds("the ack was ahead of the commit", last >= this.acked, `acked ${this.acked}, welcome says ${last}`);
    await guest.becomeReady();
    guest.next = last + 1;
    if (last === 0) guest.tellAll([]);
    for (let n = Math.max(1, last); n <= this.told; n += 1) this.#send(n);
  }

  /** Tells so many more changes, at once. */
  tell(count: number): void {
    for (let more = 0; more < count; more += 1) {
      this.told += 1;
      this.#send(this.told);
    }
  }

  #send(n: number): void {
    this.guest.tell(nthReport(NAME, n));
  }

  /** Learns what was acked so far. */
  note(): void {
    for (const frame of this.guest.received)
      if (frame.type === "session.ack") this.acked = Math.max(this.acked, frame.data.applied);
  }

  /** Until all is acked. */
  async settle(): Promise<void> {
    await this.guest.acked(this.told + 1);
    this.note();
  }

  /** Which changes the history holds, oldest first. */
  async history(connector: string): Promise<readonly string[]> {
    type Page = { items: { cause?: string; message: string; reason: string }[]; next: string | null };
    const reasons: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const more: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Page | undefined = await this.#plane.get(
        `/integrations/${connector}/${NAME}/history?limit=500${more}`,
      );
      reasons.push(...(page?.items ?? []).map(({ reason }) => reason));
      cursor = page?.next ?? null;
    }
    return reasons.toReversed();
  }

  /** What the history must be. */
  get truth(): readonly string[] {
    return Array.from({ length: this.told }, (_, index) => nthReport(NAME, index + 1).reason ?? "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#guest?.[Symbol.asyncDispose]();
  }
}
