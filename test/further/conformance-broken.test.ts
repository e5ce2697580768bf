import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CONNECTOR_CASES } from "../conformance/connector-cases.ts";
import type { Tap } from "../conformance/frames.ts";
import { PLANE_CASES } from "../conformance/plane-cases.ts";
import { ConnectorSubject, type ConnectorWish, PlaneSubject } from "../conformance/subjects.ts";
import { UNEVEN, unevenness } from "../conformance/uniform.ts";

/** A broken end: its frames, as it would write them with that mistake. What a case says of it. */
interface Broken {
  readonly number: number;
  readonly mistake: string;
  readonly tap: () => Tap;
  readonly saw: RegExp;
}

type Read = { type: string; sequence?: string; data: Record<string, unknown> };
type Change = (frame: Read) => Read | readonly Read[] | undefined;

/** Rewrites the frames of one end; undefined leaves one as it is, an empty list swallows it. */
function rewriting(by: "up" | "down", change: Change): Tap {
  return (text, direction) => {
    if (direction !== by) return undefined;
    const changed = change(JSON.parse(text) as Read);
    return changed === undefined ? undefined : [changed].flat().map((frame) => JSON.stringify(frame));
  };
}
const isType = (frame: Read, name: string): boolean => frame.type === `dev.mooring.${name}.v1`;
const withData = (frame: Read, data: Record<string, unknown>): Read => ({
  ...frame,
  data: { ...frame.data, ...data },
});
const byPlane = (change: Change) => (): Tap => rewriting("down", change);
const byConnector = (change: Change) => (): Tap => rewriting("up", change);

const PLANES: readonly Broken[] = [
  {
    number: 5,
    mistake: "drops what is too large without a word",
    tap: byPlane((frame) => (isType(frame, "session.error") ? [] : undefined)),
    saw: /no session.error within/,
  },
  {
    number: 6,
    mistake: "does not answer beats",
    tap: byPlane((frame) => (isType(frame, "session.ack") && frame.data["n"] !== undefined ? [] : undefined)),
    saw: /no session.ack within/,
  },
  {
    number: 9,
    mistake: "serves the first one no more as soon as a second one greets",
    tap: () => {
      let greetings = 0;
      return rewriting("down", (frame) => {
        if (isType(frame, "session.welcome")) greetings += 1;
        return greetings > 1 && isType(frame, "session.ack") ? [] : undefined;
      });
    },
    saw: /the first, while the second is welcomed: its beat was not answered/,
  },
  {
    number: 12,
    mistake: "acks what is not stored yet",
    tap: byPlane((frame) =>
      isType(frame, "session.ack") && frame.data["n"] === undefined
        ? withData(frame, { applied: Number(frame.data["applied"]) + 20 })
        : undefined,
    ),
    saw: /the ack was ahead of the commit|after \d+ kills|wanted/,
  },
  {
    number: 13,
    mistake: "lowers a mark by one",
    tap: byPlane((frame) => {
      const resume = frame.data["resume"] as { mode: string; last: number } | undefined;
      return resume?.mode === "resume"
        ? withData(frame, { resume: { ...resume, last: resume.last - 1 } })
        : undefined;
    }),
    saw: /welcome to a known stream: wanted .*"last":6.* saw .*"last":5/,
  },
  {
    number: 14,
    mistake: "shows a snapshot page by page",
    tap: () =>
      rewriting("up", (frame) =>
        isType(frame, "status.snapshot") && frame.data["snapshotId"] === "aborted" ? alone(frame) : undefined,
      ),
    saw: /after page 1 of 2: wanted/,
  },
  {
    number: 15,
    mistake: "goes on after a restored backup as if nothing were missing",
    tap: byPlane((frame) => {
      const resume = frame.data["resume"] as { mode: string; last: number } | undefined;
      return resume?.mode === "snapshot" && resume.last > 0
        ? withData(frame, { resume: { ...resume, mode: "resume" } })
        : undefined;
    }),
    saw: /welcome of the older one: wanted "snapshot", saw "resume"/,
  },
];

/** A first page as the change of its first item: what it would look like if it were applied at once. */
function alone(frame: Read): Read {
  const [item = {}] = frame.data["items"] as Record<string, unknown>[];
  return { ...frame, type: "dev.mooring.status.changed.v1", data: { ...item, previous: null, coalesced: 0 } };
}

const CONNECTORS: readonly Broken[] = [
  {
    number: 27,
    mistake: "beats before it is welcome",
    tap: byConnector((frame) =>
      isType(frame, "session.hello")
        ? [frame, { ...frame, type: "dev.mooring.session.bye.v1", data: { reason: "restart" } }]
        : undefined,
    ),
    saw: /frames before welcome: wanted .* saw \["session.hello","session.bye"\]/,
  },
  {
    number: 31,
    mistake: "leaves a change out",
    tap: byConnector((frame) => {
      if (frame.sequence === undefined || Number(frame.sequence) < 6) return undefined;
      const sequence = String(Number(frame.sequence) - 1).padStart(16, "0");
      return Number(frame.sequence) === 6 ? [] : { ...frame, sequence };
    }),
    saw: /not within|wanted/,
  },
  {
    number: 32,
    mistake: "has another digest",
    tap: byConnector((frame) =>
      isType(frame, "status.snapshot") ? withData(frame, { digest: "sha256:0" }) : undefined,
    ),
    saw: /the digest on page 1: wanted/,
  },
];

/** A whole program, broken in several ways: test/conformance/broken-connector.ts. */
const PROGRAMS: readonly Omit<Broken, "tap">[] = [
  {
    number: 28,
    mistake: "does not notice silence",
    saw: /1 attempts to connect|attempts to connect: not within/,
  },
  { number: 29, mistake: "comes back after a fixed time", saw: /unevenness|take longer/ },
  { number: 30, mistake: "does not read Retry-After", saw: /ms of Retry-After: 1: wanted 999/ },
  { number: 37, mistake: "logs its environment", saw: /no secret in the output, json/ },
];

describe("a control plane that is broken on purpose fails its case", () => {
  test.each(PLANES)("$number: $mistake", async ({ number, tap, saw }) => {
    const cases = PLANE_CASES.filter((one) => one.number === number);
    await using plane = await PlaneSubject.start(0.01, { tap: tap() });
    const seen: string[] = [];
    for (const one of cases) {
      await one.run(plane).catch((error: unknown) => seen.push(String(error)));
      await plane.start();
    }
    expect(seen.join("\n")).toMatch(saw);
  });
});

const BROKEN = `${process.execPath} ${fileURLToPath(new URL("../conformance/broken-connector.ts", import.meta.url))} {url} {listen}`;

describe.concurrent("a connector that is broken on purpose fails its case", () => {
  const run = async (number: number, wish: ConnectorWish): Promise<string> => {
    const [one] = CONNECTOR_CASES.filter((candidate) => candidate.number === number);
    return (await one?.run(new ConnectorSubject(0.01, wish)).catch(String)) ?? "it passed";
  };
  test.each(CONNECTORS)("$number: $mistake", async ({ number, tap, saw }) => {
    expect(await run(number, { tap: tap() })).toMatch(saw);
  });
  test.each(PROGRAMS)("$number: $mistake", async ({ number, saw }) => {
    expect(await run(number, { command: BROKEN })).toMatch(saw);
  });
});

test("29: delays of a table are not uniform, and those of full jitter are", () => {
  const table = Array.from({ length: 120 }, (_, index) => [0.01, 0.05, 0.1, 0.2, 1][index % 5] ?? 0);
  const fixed = Array.from({ length: 120 }, () => 0.99);
  const uniform = Array.from({ length: 120 }, (_, index) => (index + 0.5) / 120);
  expect(unevenness(table)).toBeGreaterThan(UNEVEN);
  expect(unevenness(fixed)).toBeGreaterThan(UNEVEN);
  expect(unevenness(uniform)).toBeLessThan(UNEVEN);
});
