import { cp, rm } from "node:fs/promises";
import { FakeConnector, fakeReport } from "../fake/connector.ts";
import { type Case, same } from "./case.ts";
import { endOf, expectAlive, guestAt, nameOf, nthReport } from "./guest.ts";
import type { PlaneSubject } from "./subjects.ts";
import { Teller } from "./teller.ts";

type PlaneCase = Case<PlaneSubject>;
type List = { readonly items: readonly { readonly name: string; readonly state: string }[] };

/** What the control plane shows of a connector: NAME=STATE, by name. */
async function picture(plane: PlaneSubject, connector: string): Promise<readonly string[]> {
  const list = await plane.get<List>(`/integrations?connector=${connector}&limit=500`);
  return (list?.items ?? []).map(({ name, state }) => `${name}=${state}`).toSorted();
}

const effects: PlaneCase = {
  number: 12,
  says: "A sequence that comes twice is acked and has one effect, a gap ends with 4410.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const identity = await plane.identity();
    const teller = parts.use(new Teller(plane, identity));
    await teller.connect();
    teller.tell(3);
    await teller.settle();
    const { guest } = teller;
    guest.next = 3;
    guest.tell(nthReport("flips", 2));
    guest.tell(nthReport("flips", 3));
    teller.tell(1);
    await teller.settle();
    same("the history, after two that came twice", await teller.history(identity.name), teller.truth);
    guest.next += 1;
    guest.tell(nthReport("flips", 9));
    same("a gap", await endOf("a gap", guest), 4410);
    same("the history, after a gap", await teller.history(identity.name), teller.truth);
  },
};

const killed: PlaneCase = {
  number: 12,
  says: "An ack is never ahead of the commit: killed at random and started again, the control plane has what it acked, each change once, in order.",
  scale: 0.01,
  needs: "restart",
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const identity = await plane.identity();
    const teller = parts.use(new Teller(plane, identity));
    await teller.connect();
    for (let kill = 0; kill < plane.rounds.kills; kill += 1) {
      teller.tell(30);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      await plane.stop("SIGKILL");
      teller.note();
      await plane.start();
      await teller.connect();
      await teller.settle();
      same(`the history after ${kill + 1} kills`, await teller.history(identity.name), teller.truth);
    }
  },
};

const resumes: PlaneCase = {
  number: 13,
  says: "After a restart a stream goes on behind its exact mark; a stream that is not known begins with a snapshot.",
  scale: 0.01,
  needs: "restart",
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const guest = await guestAt(plane, parts, { items: [fakeReport("a")] });
    for (let n = 0; n < 5; n += 1) guest.tell(nthReport("a", n));
    await guest.acked(6);
    await plane.stop("SIGKILL");
    await plane.start();
    const { streamId, instanceId } = guest;
    const again = parts.use(await FakeConnector.open(plane.url, guest.identity));
    Object.assign(again, { streamId, instanceId, next: 9 });
    const stream = { id: streamId, first: 1, next: 9, acked: 0 };
    same("welcome to a known stream", (await again.greet({ stream })).data.resume, {
      mode: "resume",
      last: 6,
    });
    const other = parts.use(await FakeConnector.open(plane.url, guest.identity));
    same("welcome to an unknown stream", (await other.greet()).data.resume, { mode: "snapshot", last: 0 });
  },
};

const snapshots: PlaneCase = {
  number: 14,
  says: "A snapshot shows nothing before its last page, removes what it does not list, and is refused with a wrong digest.",
  scale: 0.01,
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const guest = await guestAt(plane, parts, { items: ["a", "b", "c"].map((name) => fakeReport(name)) });
    const name = nameOf(guest);
    const before = ["a=online", "b=online", "c=online"];
    const items = [nthReport("a", 1), nthReport("d", 1)].map((report) => guest.snapshotItem(report));
    const page = { snapshotId: "aborted", page: 1, pages: 2, items, digest: "sha256:0" };
    await guest.acked(guest.sendNext("status.snapshot", page));
    same("after page 1 of 2", await picture(plane, name), before);
    guest.socket.terminate();
    same("after a cut", await picture(plane, name), before);
    const { identity, streamId, instanceId, next } = guest;
    const again = await guestAt(plane, parts, { identity, like: { streamId, instanceId, next } });
    again.tellAll(items, { digest: `sha256:${"0".repeat(64)}` });
    await again.until("session.error", ({ data }) => data.code === "digestMismatch", 2_000);
    await again.until("status.resync", () => true, 2_000);
    same("after a wrong digest", await picture(plane, name), before);
    again.tellAll(items, { perPage: 1 });
    await again.acked(again.next - 1);
    same("after a whole snapshot", await picture(plane, name), ["a=error", "d=error"]);
  },
};

const restored: PlaneCase = {
  number: 15,
  says: "A control plane that was restored from an older backup converges with connectors that live.",
  scale: 0.01,
  needs: "restart",
  async run(plane) {
    await using parts = new AsyncDisposableStack();
    const guest = await guestAt(plane, parts, { items: [fakeReport("a"), fakeReport("b")] });
    const name = nameOf(guest);
    await plane.stop("SIGTERM");
    await cp(plane.dataDir, `${plane.dataDir}-backup`, { recursive: true });
    await plane.start();
    const { identity, streamId, instanceId, next } = guest;
    const live = await guestAt(plane, parts, { identity, like: { streamId, instanceId, next } });
    for (let n = 1; n <= 3; n += 1) live.tell(nthReport("a", n));
    await live.acked(live.next - 1);
    await plane.stop("SIGTERM");
    await rm(plane.dataDir, { recursive: true });
    await cp(`${plane.dataDir}-backup`, plane.dataDir, { recursive: true });
    await plane.start();
    const after = parts.use(await FakeConnector.open(plane.url, identity));
    Object.assign(after, { streamId, instanceId, next: live.next });
    const { data } = await after.greet();
    same("welcome of the older one", data.resume.mode, "snapshot");
    await after.becomeReady();
    after.tellAll([nthReport("a", 3), fakeReport("b")].map((report) => after.snapshotItem(report)));
    await after.acked(after.next - 1);
    await expectAlive("the connector that lived", after);
    same("what it shows", await picture(plane, name), ["a=error", "b=online"]);
  },
};

export const STORE_CASES = [effects, killed, resumes, snapshots, restored];
