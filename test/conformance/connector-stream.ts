import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { stateDigest } from "../../src/protocol/digest.ts";
import type { FrameOf } from "../../src/protocol/frames.ts";
import { fakeControlPlane, type FakeSession } from "../fake/control-plane.ts";
import { httpServer, refusedPort, silent } from "../fake/targets.ts";
import { flipping } from "../process/flipping.ts";
import { eventually, folder, pause, tcp } from "../process/programs.ts";
import { type Case, holds, NotJudged, same, within } from "./case.ts";
import { readySession, timesOf } from "./fake-plane.ts";
import { FaultProxy } from "./proxy.ts";
import type { ConnectorSubject } from "./subjects.ts";

type ConnectorCase = Case<ConnectorSubject>;

const sequencesOf = ({ frames }: FakeSession): readonly number[] =>
  frames.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));

/** Throws unless each number is one more than the last. */
function contiguous(what: string, numbers: readonly number[]): void {
  holds(
    `${what}: contiguous`,
    numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1),
    numbers,
  );
}

const resends: ConnectorCase = {
  number: 31,
  says: "What happened without a control plane is told afterwards: sequences without a gap, what was not acked is sent again unchanged, what was acked is not.",
  scale: 0.01,
  async run(subject) {
    await using target = await flipping(6);
    await using plane = await fakeControlPlane(timesOf(subject));
    await using proxy = await FaultProxy.start(plane.port);
    await using started = await subject.start(proxy.url, { integrations: target.integrations });
    const first = await readySession(plane);
    await eventually("acked changes", () => (plane.applied.length >= 6 ? true : undefined));
    plane.script = { ...timesOf(subject), acks: false };
    const acked = Math.max(...plane.marks.values());
    await eventually("changes that are not acked", () =>
      Math.max(...sequencesOf(first)) >= acked + 3 ? true : undefined,
    );
    const sent = first.frames.filter(({ sequence }) => (sequence ?? 0) > acked);
    proxy.weather.newcomers = "reset";
    proxy.reset();
    const looks = (): number => target.names.reduce((sum, name) => sum + target.truthOf(name).length, 0);
    const before = looks();
    await eventually("it goes on looking", () => (looks() >= before + 6 ? true : undefined));
    plane.script = timesOf(subject);
    proxy.weather.newcomers = "pass";
    const sessions = plane.sessions.length;
    const second = await readySession(plane, sessions);
    await eventually("all that happened", () =>
      target.names.every((name) => toldOf(plane.applied, name).length === target.truthOf(name).length)
        ? true
        : undefined,
    );
    const numbers = sequencesOf(second);
    same("the first sequence after the cut", numbers[0], acked + 1);
    contiguous("sequences after the cut", numbers);
    for (const frame of sent) {
      const again = second.frames.find(({ sequence }) => sequence === frame.sequence);
      same(`sequence ${frame.sequence}, sent again`, [again?.id, again?.data], [frame.id, frame.data]);
    }
    for (const name of target.names)
      same(
        `what was told of ${name}`,
        toldOf(plane.applied, name),
        target.truthOf(name).map(({ reason }) => reason),
      );
    holds("the connector lives", !started.program.isOver, started.program.output);
  },
};

function toldOf(
  applied: readonly { readonly type: string; readonly data: unknown }[],
  name: string,
): readonly (string | null)[] {
  return applied.flatMap(({ type, data }) => {
    const told = data as FrameOf<"status.changed">["data"];
    return type === "status.changed" && told.name === name ? [told.reason] : [];
  });
}

const pages: ConnectorCase = {
  number: 32,
  says: "Where welcome says snapshot, and on status.resync, a whole snapshot comes in pages of the size that welcome set, with the right digest.",
  scale: 0.01,
  async run(subject) {
    await using up = await silent();
    await using down = await refusedPort();
    const integrations = ["a", "b", "c", "d", "e"].map((name, index) =>
      tcp(name, index < 3 ? up.port : down.port),
    );
    await using plane = await fakeControlPlane({
      ...timesOf(subject),
      mode: "snapshot",
      limits: { snapshotPageItems: 2 },
    });
    await using started = await subject.start(plane.url, { integrations });
    const session = await readySession(plane);
    expectSnapshot(await wholeSnapshot(session, 0));
    await eventually("all five looked at", () =>
      plane.applied.filter(({ type }) => type === "status.changed").length >= 5 ? true : undefined,
    );
    const before = session.frames.length;
    session.send("status.resync", { reason: "conformance" });
    const items = expectSnapshot(await wholeSnapshot(session, before));
    same(
      "the states",
      items.map(({ name, ...item }) => `${name}=${"state" in item ? item.state : "pending"}`),
      ["a=online", "b=online", "c=online", "d=error", "e=error"],
    );
    holds("the connector lives", !started.program.isOver, started.program.output);
  },
};

type Page = FrameOf<"status.snapshot">["data"];

/** The pages of the first whole snapshot among the frames from there on. */
function wholeSnapshot(session: FakeSession, from: number): Promise<readonly Page[]> {
  return eventually(
    "a whole snapshot",
    () => {
      const all = session.frames
        .slice(from)
        .flatMap((frame) => (frame.type === "status.snapshot" ? [frame.data] : []));
      const last = all.find(({ page, pages: count }) => page === count);
      return last === undefined ? undefined : all.filter(({ snapshotId }) => snapshotId === last.snapshotId);
    },
    { seen: () => `saw ${session.frames.map(({ type }) => type).join(" ")}` },
  );
}

function expectSnapshot(snapshot: readonly Page[]): Page["items"] {
  same(
    "the pages",
    snapshot.map(({ page, pages: count, items }) => [page, count, items.length]),
    [
      [1, 3, 2],
      [2, 3, 2],
      [3, 3, 1],
    ],
  );
  const items = snapshot.flatMap((page) => page.items);
  const digest = stateDigest(items, (text) => createHash("sha256").update(text).digest("hex"));
  for (const page of snapshot) same(`the digest on page ${page.page}`, page.digest, digest);
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const clockSteps: ConnectorCase = {
  number: 34,
  says: "A wall clock that steps by an hour changes no beat, timeout or deadline, and is told at the next welcome.",
  scale: 0.01,
  async run(subject) {
    await using dir = await folder();
    await using up = await silent();
    const file = join(dir.path, "step");
    await writeFile(file, "0");
    const preload = fileURLToPath(new URL("step-clock.ts", import.meta.url));
    const environment = { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_STEP_FILE: file };
    await using plane = await fakeControlPlane(timesOf(subject));
    const integrations = [tcp("a", up.port)];
    const starting = await subject.start(plane.url, { integrations, environment }).catch((error: unknown) => {
      if (existsSync(`${file}.loaded`)) throw error;
      throw new NotJudged(`with a preload by NODE_OPTIONS it does not start: ${String(error)}`);
    });
    await using started = starting;
    if (!existsSync(`${file}.loaded`))
      throw new NotJudged("its clock is set by a preload (NODE_OPTIONS), which only a Node program obeys");
    const session = await readySession(plane);
    await session.wait("session.heartbeat");
    for (const hours of [1, -1]) {
      await writeFile(file, String(hours * 3_600_000));
      const beats = (): readonly FrameOf<"session.heartbeat">[] =>
        session.frames.filter((frame) => frame.type === "session.heartbeat");
      const at = performance.now();
      const before = beats().length;
      await eventually("five more beats", () => (beats().length >= before + 5 ? true : undefined));
      within("ms for five beats", performance.now() - at, [
        4 * timesOf(subject).intervalMs * 0.9,
        5 * timesOf(subject).intervalMs + 1_000,
      ]);
      const stepped = Date.parse(beats().at(-1)?.time ?? "") - Date.now();
      within("minutes that the clock of its beats is ahead", stepped / 60_000, [
        hours * 60 - 5,
        hours * 60 + 5,
      ]);
      same("the session lives", session.socket.readyState, session.socket.OPEN);
      await commandWorks(session, `stepped-${hours}`);
    }
    session.socket.close(4430, "again");
    await eventually("it tells the skew", () =>
      started.program.output.includes("clock_skew") ? true : undefined,
    );
  },
};

async function commandWorks(session: FakeSession, commandId: string): Promise<void> {
  const args = { integration: "a" };
  session.send("command.dispatch", {
    commandId,
    kind: "refresh",
    resourceKey: "integrations/a",
    attempt: 1,
    timeoutMs: 2_000,
    args,
  });
  const { data } = await session.wait("command.result", (frame) => frame.data.commandId === commandId);
  same(`command ${commandId}`, data.outcome, "succeeded");
}

const canaries: ConnectorCase = {
  number: 37,
  says: "No value of a secret is in any frame, log or metric, in no usual form, also where a target sends it back.",
  scale: 0.01,
  async run(subject) {
    const secret = `canary "${Math.random().toString(36).slice(2)}" &=%`;
    await using target = await httpServer((request, response) => {
      const seen = Buffer.from(
        (request.headers.authorization ?? "").replace("Basic ", ""),
        "base64",
      ).toString();
      response
        .writeHead(401, { "www-authenticate": `Basic realm="${seen.replaceAll('"', "")}"` })
        .end(`no: ${seen} ${request.headers.authorization}`);
    });
    const integration = {
      name: "a",
      type: "http",
      interval: "5s",
      config: { url: `http://127.0.0.1:${target.port}/` },
      secret: { store: "env", variable: "MOORING_SECRET_CANARY" },
    };
    const environment = {
      MOORING_SECRET_CANARY: JSON.stringify({ username: "user", password: secret }),
      MOORING_LOG_LEVEL: "debug",
    };
    const frames: string[] = [];
    await using plane = await fakeControlPlane({
      ...timesOf(subject),
      onFrame: (frame) => void frames.push(JSON.stringify(frame)),
    });
    await using started = await subject.start(plane.url, { integrations: [integration], environment });
    const session = await readySession(plane);
    await session.wait("status.changed");
    await commandWorks(session, "look-again");
    await pause(300);
    const channels = {
      frames: frames.join("\n"),
      output: started.program.output,
      metrics: await started.metrics(),
    };
    for (const [channel, text] of Object.entries(channels))
      for (const [form, value] of Object.entries(formsOf(secret)))
        holds(
          `no secret in the ${channel}, ${form}`,
          !text.includes(value),
          `…${text.slice(Math.max(0, text.indexOf(value) - 60), text.indexOf(value))}…`,
        );
    holds("the target was looked at with the secret", target.accepted() > 0, target.accepted());
  },
};

/** A value as it could be written down. */
function formsOf(value: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(value);
  return {
    plain: value,
    json: JSON.stringify(value).slice(1, -1),
    base64: bytes.toString("base64").replace(/=+$/, ""),
    "base64 in a login": Buffer.from(`user:${value}`).toString("base64").replace(/=+$/, ""),
    hex: bytes.toString("hex"),
    url: encodeURIComponent(value),
  };
}

export const CONNECTOR_STREAM_CASES = [resends, pages, clockSteps, canaries];
