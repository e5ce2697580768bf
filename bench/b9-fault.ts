// B9: how long a fault stays unknown: a TCP target's listener is closed at a random moment, and the time is taken until
// the control plane has committed the event and told it (server-sent events), and until Debian's Prometheus, with
// prometheus-blackbox-exporter and the same interval of 5 s, has stored probe_success 0 and has an alert that fires.
// Both watch the same target at the same time; a round is the mean of five faults that both see.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { answered, folder, freePort, mooring, pause, until } from "./processes.ts";
import { prometheus } from "./prometheus.ts";
import { controlPlane } from "./plane.ts";
import type { Bench, Figure } from "./rounds.ts";

const INTERVAL_S = 5;
/** In one round: each side meets a fault at a random moment of its interval, so that one fault says nothing. */
const FAULTS = 5;

/** One fault: milliseconds until each knew of it. */
interface Seen {
  readonly own: number;
  readonly stored: number;
  readonly firing: number;
}

/** Starts to listen at the port, 0 for any free one. */
async function target(port: number): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => {}).resume()).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** Whatever the control plane tells from now on. */
class Told {
  #text = "";

  static async by(origin: string, token: string): Promise<Told> {
    const told = new Told();
    const response = await fetch(`${origin}/api/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok || response.body === null) throw new Error(`events: ${response.status}`);
    void told.#read(response.body).catch(() => {}); // Ends with the control plane.
    return told;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const part of body) this.#text += decoder.decode(part, { stream: true });
  }

  /** Resolves when the integration was told in that state, of what is told from now on. */
  async state(wanted: string): Promise<void> {
    this.#text = "";
    const event = new RegExp(`^data: .*"state":"${wanted}".*$`, "m");
    const integration = /^event: integration$/m;
    await until(
      `an event "${wanted}"`,
      async () =>
        this.#text.split("\n\n").some((block) => integration.test(block) && event.test(block))
          ? true
          : undefined,
      5,
    );
  }
}

/** Milliseconds until it has happened. */
async function after(started: number, happened: Promise<unknown>): Promise<number> {
  await happened;
  return performance.now() - started;
}

export const fault: Bench = {
  name: "b9",
  says: `a fault until it is told, at ${INTERVAL_S} s, against prometheus with prometheus-blackbox-exporter`,
  packages: ["prometheus", "prometheus-blackbox-exporter"],
  async open() {
    const stack = new AsyncDisposableStack();
    const { path } = stack.use(await folder());
    let server = await target(0);
    const port = portOf(server);
    const plane = stack.use(await controlPlane(path));
    const integration = {
      name: "target",
      type: "tcp",
      interval: `${INTERVAL_S}s`,
      timeout: "4s",
      failureThreshold: 1,
      config: { host: "127.0.0.1", port },
    };
    await writeFile(join(path, "one.yaml"), JSON.stringify({ integrations: [integration] }));
    const listen = `127.0.0.1:${await freePort()}`;
    const session = ["--control-plane", plane.origin, "--state", join(path, "state"), "--first-spread", "0"];
    stack.use(
      mooring([
        "connector",
        join(path, "one.yaml"),
        "--listen",
        listen,
        ...session,
        "--join-token-file",
        join(path, "join"),
      ]),
    );
    await answered(`http://${listen}/readyz`);
    const told = await Told.by(plane.origin, plane.token);
    const watching = stack.use(await prometheus(path, { port, intervalS: INTERVAL_S }));
    await watching.stored("1");
    stack.defer(() => void server.close());
    const one = async (): Promise<Seen> => {
      await pause(INTERVAL_S * 1_000 * (1 + Math.random()));
      const started = performance.now();
      server.close();
      const [own, stored, firing] = await Promise.all([
        after(started, told.state("error")),
        after(started, watching.stored("0")),
        after(started, watching.firing()),
      ]);
      server = await target(port);
      await Promise.all([told.state("online"), watching.stored("1"), watching.quiet()]);
      return { own, stored, firing };
    };
    return {
      async round(): Promise<readonly Figure[]> {
        const faults: Seen[] = [];
        while (faults.length < FAULTS) faults.push(await one());
        const mean = (of: (seen: Seen) => number): number =>
          faults.reduce((sum, seen) => sum + of(seen), 0) / faults.length;
        const what = { unit: "ms", ours: mean(({ own }) => own) };
        return [
          {
            ...what,
            what: "B9 fault to event, against the stored sample",
            peer: mean(({ stored }) => stored),
          },
          {
            ...what,
            what: "B9 fault to event, against the firing alert",
            peer: mean(({ firing }) => firing),
          },
        ];
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  },
};
