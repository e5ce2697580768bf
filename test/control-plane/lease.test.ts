/** Replicas that agree by a Lease: the control plane tells an older leader by its term. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Hello } from "../../src/protocol/session-frames.ts";
import { FakeConnector, type FakeIdentity } from "../fake/connector.ts";
import { started, type Started } from "./started.ts";

let plane: Started;
beforeAll(async () => {
  plane = await started();
});
afterAll(() => plane[Symbol.asyncDispose]());

/** The hello of a pod that leads in that term of that Lease. */
function leading(id: string, uid: string, transitions: number): Partial<Hello> {
  const instance = { id, podUid: id, podName: id, leaseUid: uid, leaseTransitions: transitions };
  return { instance };
}

async function closed(identity: FakeIdentity, hello: Partial<Hello>): Promise<number> {
  await using connector = await FakeConnector.open(plane.origin, identity);
  await connector.greet(hello);
  const welcome = connector.received.findLast((frame) => frame.type === "session.welcome");
  connector.send("session.ready", { nonce: welcome?.data.nonce ?? "" });
  return (await connector.closed()).code;
}

test("an earlier term is superseded, though it comes later; the leader's session stands", async () => {
  const identity = await plane.enrolled("one");
  await using leader = await FakeConnector.ready(plane.origin, identity, { hello: leading("b", "lease", 2) });
  expect(await closed(identity, leading("a", "lease", 1))).toBe(4409);
  leader.beat();
  await leader.until("session.ack", ({ data }) => data.n === 1);
  await plane.until("/connectors/one", ({ state }) => state === "connected");
});

test("a later term takes over, again and again: elections are no duplicates", async () => {
  const identity = await plane.enrolled("two");
  for (const [term, pod] of ["a", "b", "a", "b", "a"].entries()) {
    await using leader = await FakeConnector.ready(plane.origin, identity, {
      hello: leading(pod, "lease", term + 1),
    });
    leader.beat();
    await leader.until("session.ack", ({ data }) => data.n === 1);
  }
});

test("a Lease that was made anew begins anew", async () => {
  const identity = await plane.enrolled("three");
  await using before = await FakeConnector.ready(plane.origin, identity, { hello: leading("a", "old", 9) });
  await using after = await FakeConnector.ready(plane.origin, identity, { hello: leading("b", "new", 1) });
  expect((await before.closed()).code).toBe(4409);
  after.beat();
  await after.until("session.ack", ({ data }) => data.n === 1);
});
