import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../src/demo/certificates.ts";
import { readySession, timesOf } from "../conformance/fake-plane.ts";
import { filled, Running } from "../conformance/running.ts";
import { ConnectorSubject, OWN_CONNECTOR, OWN_PLANE, PlaneSubject } from "../conformance/subjects.ts";
import { fakeControlPlane } from "../fake/control-plane.ts";
import { silent } from "../fake/targets.ts";
import { eventually, folder, freePort, pause, tcp } from "../process/programs.ts";

const run = promisify(execFile);
const SCALE = 0.05;
const preload = (name: string): string => `--import=${fileURLToPath(new URL(name, import.meta.url))}`;

/** A disk in memory; undefined where this user may not mount one. */
async function disk(
  path: string,
): Promise<(AsyncDisposable & { readonly freeze: () => Promise<unknown> }) | undefined> {
  await mkdir(path);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=16m", "mooring-test", path]);
  } catch {
    return undefined;
  }
  return {
    freeze: () => run("mount", ["-o", "remount,ro", path]),
    [Symbol.asyncDispose]: async () => void (await run("umount", [path])),
  };
}

describe("a disk that became read-only", () => {
  test("the control plane says so in one line and does not start", async ({ skip }) => {
    await using dir = await folder();
    const path = join(dir.path, "disk");
    await using made = await disk(path);
    if (made === undefined) return skip("a disk can be mounted by root alone");
    const listen = `127.0.0.1:${await freePort()}`;
    const command = filled(OWN_PLANE, { listen, url: `http://${listen}`, data: path });
    await using first = new Running(command, {});
    await first.until200(`http://${listen}/readyz`);
    await first.stop();
    await made.freeze();
    await using second = new Running(command, {});
    expect(await second.ended).toBe(2);
    expect(second.output).toMatch(/^mooring control-plane: --data \S+: [^\n]+\n$/);
  });

  test("a connector that is enrolled goes on without writing", async ({ skip }) => {
    await using dir = await folder();
    const path = join(dir.path, "disk");
    await using made = await disk(path);
    if (made === undefined) return skip("a disk can be mounted by root alone");
    await using plane = await fakeControlPlane(timesOf({ scale: SCALE }));
    const command = OWN_CONNECTOR.replace("{state}", path);
    await using started = await new ConnectorSubject(SCALE, { command }).start(plane.url);
    await readySession(plane);
    await started.program.stop();
    await made.freeze();
    const before = plane.sessions.length;
    await started.again();
    await readySession(plane, before);
    expect(started.program.isOver).toBe(false);
  });
});

test("the control plane's clock steps by an hour: nobody is unreachable, all goes on, and who comes back is let in", async () => {
  await using dir = await folder();
  await using up = await silent();
  const file = join(dir.path, "step");
  await writeFile(file, "0");
  const environment = { NODE_OPTIONS: preload("../conformance/step-clock.ts"), TEST_CLOCK_STEP_FILE: file };
  await using plane = await PlaneSubject.start(SCALE, { environment });
  const joinToken = await plane.joinToken("stepped");
  await using started = await new ConnectorSubject(SCALE).start(plane.url, {
    integrations: [tcp("a", up.port)],
    joinToken,
  });
  type Shown = { state: string; reason: string | null };
  const connected = (): Promise<Shown> =>
    plane.until<Shown>("/connectors/stepped", ({ state }) => state === "connected");
  await connected();
  for (const hours of [1, -1]) {
    await writeFile(file, String(hours * 3_600_000));
    const until = performance.now() + 45_000 * SCALE + 500;
    while (performance.now() < until) {
      expect((await plane.get<Shown>("/connectors/stepped"))?.state, `${hours} h later`).toBe("connected");
      await pause(50);
    }
    await started.program.stop("SIGKILL");
    await started.again();
    await connected();
    expect((await plane.api("POST", "/integrations/stepped/a/refresh")).status).toBe(202);
  }
  expect(started.program.isOver).toBe(false);
});

test("the control plane's name is gone: the session lives on, a new one is tried and the trouble named, and it heals", async () => {
  await using dir = await folder();
  const file = join(dir.path, "dns");
  await writeFile(file, "there");
  const authority = await createAuthority("ours");
  const { certPem, keyPem } = await authority.issue({ names: ["cp.test"] });
  await using plane = await fakeControlPlane({
    ...timesOf({ scale: SCALE }),
    tls: { cert: certPem, key: keyPem },
  });
  const environment = { NODE_OPTIONS: preload("../crash/name-server.ts"), TEST_DNS_FILE: file };
  const to = `https://cp.test:${plane.port}`;
  await using started = await new ConnectorSubject(SCALE).start(to, { ca: authority.certPem, environment });
  const session = await readySession(plane);
  await writeFile(file, "gone");
  const beats = session.frames.length;
  await eventually("it goes on beating", () => (session.frames.length >= beats + 3 ? true : undefined));
  session.socket.terminate();
  const named = 'mooring_control_plane_connect_attempts_total{result="name_not_found"}';
  await eventually("the name is missed", async () =>
    (await started.metrics()).includes(named) ? true : undefined,
  );
  expect((await fetch(`${started.health}/livez`)).status).toBe(200);
  const before = plane.sessions.length;
  await writeFile(file, "there");
  await readySession(plane, before);
});
