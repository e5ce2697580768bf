// A fleet of connectors in one process, for the control plane: node bench/fleet.ts COUNT
// Each keeps its identity from round to round; each answer to a heartbeat is counted.
import { BEAT_MS } from "./fleet-beat.ts";
import { type Api, joinToken } from "./join-token.ts";
import { answers, pause } from "./processes.ts";
import { enrolWith, FakeConnector, type FakeIdentity } from "../test/fake/connector.ts";

/** Connectors that enrol or connect at one time. */
const AT_ONCE = 25;

const count = Number(process.argv[2]);
const identities: FakeIdentity[] = [];
const connected: FakeConnector[] = [];
const timers = new Set<NodeJS.Timeout>();
let acked = 0;

/** Does it for each of the fleet, some at a time. */
async function forEach(work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function enrolAll(api: Api): Promise<void> {
  await forEach(async (index) => {
    identities[index] ??= await enrolWith(api.origin, await joinToken(api, `fleet-${index}`));
  });
}

/** Connects one; it tells that it has nothing to look at, and beats from then on. */
async function connect(origin: string, identity: FakeIdentity): Promise<void> {
  const connector = await FakeConnector.ready(origin, identity);
  connector.tellAll([]);
  await connector.acked(1);
  connector.socket.removeAllListeners("message");
  connector.socket.on("message", () => (acked += 1));
  connected.push(connector);
  const first = setTimeout(() => {
    connector.beat();
    timers.add(setInterval(() => connector.beat(), BEAT_MS));
  }, Math.random() * BEAT_MS);
  timers.add(first);
}

async function leave(): Promise<void> {
  for (const timer of timers) clearTimeout(timer);
  for (const connector of connected.splice(0)) connector.socket.terminate();
  await pause(500);
}

let api: Api = { origin: "", token: "" };
process.on("message", (said: string) => {
  if (said.startsWith("{")) api = JSON.parse(said) as Api;
});
answers({
  enrol: () => enrolAll(api),
  connect: () => forEach((index) => connect(api.origin, identities[index] as FakeIdentity)),
  count: () => acked,
  leave,
});
