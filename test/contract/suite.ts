import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import type { Target } from "../fake/targets.ts";
import { encrypted, plain } from "./encrypted.ts";
import { type Expected, expectLook, unreachable } from "./expected.ts";
import { HOST, look, type LookSettings } from "./look.ts";
import {
  BAD_ENCRYPTION,
  BAD_SECRETS,
  badServer,
  type Behaviour,
  BEHAVIOURS,
  ENDLESS,
  UNENCRYPTED,
  UNREACHED,
  UNRESOLVED,
  UNRESOLVED_HOST,
} from "./misbehaviours.ts";
import { type Fixtures, firstWord, fixtures, type Healthy, type Subject, takesSecret } from "./subject.ts";

/** For what ends by its timeout, and for what must not. Milliseconds. */
const SHORT_MS = 600;
const LONG_MS = 5000;

/** A well-formed secret, for rows that never come to its being wrong. */
const ANY_LOGIN = JSON.stringify({ username: "somebody", password: "whatever" });

/** One subject in the suite, with the server that works. */
class Case {
  readonly type: IntegrationType;
  readonly subject: Subject;
  readonly made: Fixtures;
  readonly healthy: Healthy;

  constructor(type: IntegrationType, subject: Subject, made: Fixtures, healthy: Healthy) {
    this.type = type;
    this.subject = subject;
    this.made = made;
    this.healthy = healthy;
  }

  /** Looks once, and holds what came of it against what must. */
  async expect(
    at: { readonly host?: string; readonly port: number },
    expected: Expected,
    settings: LookSettings = {},
  ): Promise<void> {
    const timeoutMs = settings.timeoutMs ?? LONG_MS;
    const secret = settings.secret === undefined && takesSecret(this.type) ? ANY_LOGIN : settings.secret;
    const config = this.subject.config({ host: at.host ?? HOST, port: at.port }, this.made.ca);
    const looked = await look(this.type, config, { ...settings, secret, timeoutMs });
    expectLook(looked, expected, timeoutMs);
  }

  /** The same against a fake, which must be left without a socket. */
  async expectAt(target: Target, expected: Expected, hangs?: boolean): Promise<void> {
    await using at = target;
    await this.expect({ port: at.port }, expected, { timeoutMs: hangs === true ? SHORT_MS : LONG_MS });
    await at.idle();
  }
}

/** Every integration type × every misbehaviour. A type that is new gets all of it by one call. */
export function contractSuite(title: string, type: IntegrationType, subject: Subject): void {
  describe(title, () => {
    const stack = new AsyncDisposableStack();
    const started: { before: Record<string, number>; at?: Case } = { before: {} };
    beforeAll(async () => {
      started.before = openThings();
      const made = stack.use(await fixtures());
      const healthy = stack.use(await subject.healthy(made));
      started.at = new Case(type, subject, made, healthy);
      await look(type, subject.config({ host: HOST, port: healthy.port }, made.ca)).catch(() => {}); // warms up
    });
    afterAll(async () => {
      await stack.disposeAsync();
      await closing(started.before);
      expect(openThings()).toEqual(started.before);
    });
    const at = (): Case => {
      if (started.at === undefined) throw new Error("the subject's server did not start");
      return started.at;
    };
    describe.concurrent("from the network on", () => networkRows(at, subject));
    if (subject.encryption !== "none") describe.concurrent("encryption", () => encryptionRows(at, subject));
    if (takesSecret(type)) describe.concurrent("secret and login", () => secretRows(at, type));
  });
}

function networkRows(at: () => Case, subject: Subject): void {
  test("a healthy server is online", () => at().expect(at().healthy, "online", right(at())));
  for (const { name, reason, start, hangs } of UNRESOLVED) {
    test(name, async () => {
      await using server = await start();
      const dns = { servers: [server.address] };
      const timeoutMs = hangs === true ? SHORT_MS : LONG_MS;
      const place = { host: UNRESOLVED_HOST, port: 1 };
      await at().expect(place, unreachable("resolve", reason), { dns, timeoutMs });
    });
  }
  for (const { name, expected, start, hangs } of UNREACHED) {
    test(name, async () => at().expectAt(await start(), expected, hangs));
  }
  for (const host of ["169.254.169.254", "metadata.test"]) {
    const dns = { hosts: new Map([["metadata.test", ["169.254.169.254"]]]) };
    test(`forbidden address ${host}`, () =>
      at().expect({ host, port: 80 }, unreachable("connect", "address_forbidden"), { dns }));
  }
  const word = firstWord(subject);
  for (const behaviour of [...BEHAVIOURS, ...plainRows(subject)]) {
    const expected = word === "nothing" ? "online" : behaviour.expected[word];
    const hangs = behaviour.hangs === true && word !== "nothing";
    test(behaviour.name, async () => at().expectAt(await plain(behaviour.handler(subject)), expected, hangs));
  }
}

/** What only a peer without encryption does, as far as it is a misbehaviour for the subject. */
function plainRows(subject: Subject): readonly Behaviour[] {
  const speaksHttp = String(subject.endless?.prefix).startsWith("HTTP/") && subject.encryption === "none";
  const rows = UNENCRYPTED.filter(({ name }) => !(speaksHttp && name === "answers in HTTP"));
  return subject.endless !== undefined && subject.encryption === "none" ? [...rows, ENDLESS] : rows;
}

function encryptionRows(at: () => Case, subject: Subject): void {
  for (const bad of BAD_ENCRYPTION) {
    test(bad.name, async () =>
      at().expectAt(await badServer(bad, subject, at().made), unreachable("tls", bad.reason)),
    );
  }
  if (subject.endless === undefined) return;
  const within = { ...subject, encryption: "none" as const };
  for (const behaviour of [...BEHAVIOURS, ENDLESS]) {
    test(`${behaviour.name} within TLS`, async () => {
      const { certificate } = at().made;
      const encryption = { certificate, asked: subject.encryption === "asked" };
      const target = await encrypted(encryption, behaviour.handler(within));
      await at().expectAt(target, behaviour.expected.answer, behaviour.hangs);
    });
  }
}

function secretRows(at: () => Case, type: IntegrationType): void {
  const fields = type.secret?.shapes.find((shape) => shape.length > 1) ?? [];
  for (const { name, expected, text } of BAD_SECRETS) {
    test(name, () => at().expect(at().healthy, expected, { secret: text(fields) }));
  }
  test("login rejected", () => {
    const secret = at().healthy.secrets?.rejected;
    return at().expect(at().healthy, ["secret_invalid", "authenticate", "credentials_rejected"], { secret });
  });
  test("right missing", () => {
    const condition = type.discovers === true ? "discovery_failed" : "integration_unreachable";
    const secret = at().healthy.secrets?.powerless;
    return at().expect(at().healthy, [condition, "authorize", "permission_denied"], { secret });
  });
}

function right(at: Case): LookSettings {
  return at.healthy.secrets === undefined ? {} : { secret: at.healthy.secrets.right };
}

/** Waits until as much is open as before, 3 s at most, without a timer of its own: timers are counted. */
async function closing(before: Record<string, number>): Promise<void> {
  const deadline = performance.now() + 3_000;
  while (!isDeepStrictEqual(openThings(), before) && performance.now() < deadline) await setImmediate();
}

/** What keeps the process alive, by kind, as far as it could be ours. */
function openThings(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (/TCP|UDP|TLS|DNS|QUERY|Timeout|ProcessWrap|MessagePort/i.test(kind)) {
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
  }
  return counts;
}
