import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StartError } from "../../../src/connector/start.ts";
import { boundSecret } from "../../fake/secret.ts";
import { fakeControlPlane, problemAnswer } from "../../fake/control-plane.ts";
import { httpServer, silent } from "../../fake/targets.ts";
import { eventually, folder, httpItem, loadItems, loadLines, start, tcpItem } from "./harness.ts";

async function refusal(more: Parameters<typeof start>[1]): Promise<string> {
  const error: unknown = await start(undefined, more).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StartError);
  return error instanceof StartError ? error.message : "";
}

test.each([
  ["nonsense", '--control-plane: "nonsense" is not the address of a control plane; write https://HOST.'],
  ["ftp://host", '--control-plane: "ftp://host" is not the address of a control plane; write https://HOST.'],
  [
    "http://mooring.example:7480",
    "--control-plane: http://mooring.example:7480 is plain and leaves this machine; write https://mooring.example:7480.",
  ],
  [
    "ws://10.0.0.1",
    "--control-plane: ws://10.0.0.1 is plain and leaves this machine; write https://10.0.0.1.",
  ],
  [
    "https://a:b@mooring.example",
    "--control-plane: The control plane's address holds a login; leave it out, the connector has its own key.",
  ],
  [
    "https://mooring.example/v1/connect",
    "--control-plane: The control plane's address ends after the host: write https://mooring.example.",
  ],
])("a control plane's address that is none: %s", async (controlPlane, message) => {
  expect(await refusal({ controlPlane })).toBe(message);
});

test("one message for each thing that keeps it from starting", async () => {
  await using taken = await silent();
  expect(await refusal({ listen: { host: "127.0.0.1", port: taken.port } })).toBe(
    `--listen 127.0.0.1:${taken.port}: the port is in use; stop what listens there, or name another one.`,
  );
  expect(await refusal({ listen: { host: "0.0.0.0", port: 0 } })).toBe(
    "MOORING_TIME_SCALE is for tests: --listen must be loopback then, and 0.0.0.0 is not.",
  );
  expect(await refusal({ timeScale: 7 })).toBe("MOORING_TIME_SCALE is a number from 0.01 to 1, not 7.");
  const controlPlane = "http://127.0.0.1:1";
  expect(await refusal({ controlPlane, joinTokenFile: "/nowhere/token" })).toBe(
    "The join token file /nowhere/token cannot be read (ENOENT).",
  );
  expect(await refusal({ controlPlane, joinTokenFile: undefined })).toBe(
    "The connector is not enrolled and was given no join token: name one with --join-token-file.",
  );
  expect(await refusal({ controlPlane, stateDir: undefined })).toBe(
    "--state is missing: name a folder where the connector keeps its key.",
  );
  expect(await refusal({ controlPlane, stateDir: "secret:" })).toBe(
    "--state secret: names no Secret; write --state secret:NAME.",
  );
  // Outside of a cluster, and without a kubeconfig.
  const environment = { MOORING_SERVICE_ACCOUNT_DIR: "/none", KUBECONFIG: "/none/config" };
  expect(await refusal({ controlPlane, stateDir: "secret:mooring", environment })).toBe(
    "The connector's identity in Secret default/mooring cannot be read: there is no token at /none/token, and no kubeconfig at /none/config.",
  );
  expect(await refusal({ controlPlane, stateDir: "/dev/null/state" })).toBe(
    "The connector's identity in /dev/null/state/key.json cannot be read (ENOTDIR).",
  );
  expect(await refusal({ controlPlane, ca: "/nowhere/ca.pem" })).toBe(
    "--ca: there is no file /nowhere/ca.pem; name a PEM file of certificates.",
  );
  const problem = { file: "f", line: 1, column: 1, path: "p", text: "t" };
  const invalid = start(undefined, {
    file: "/f",
    load: () => Promise.resolve({ ok: false, problems: [problem] }),
  });
  await expect(invalid).rejects.toMatchObject({
    message: "The configuration file /f is not valid.",
    problems: [problem],
  });
});

test("without a control plane it checks, exports metrics and is ready", async () => {
  await using target = await silent();
  await using started = await start(undefined, { load: loadItems([tcpItem("up", target.port)]) });
  await eventually(async () =>
    (await started.get("/metrics")).text.includes('integration_up{integration="up"} 1'),
  );
  const { text } = await started.get("/metrics");
  expect(text).toContain("mooring_status_events_queued 0");
  expect(text).toContain("mooring_control_plane_connected 0");
  expect(text).toContain('mooring_build_info{version="0.0.0-test"} 1');
  expect(text).toMatch(/^process_resident_memory_bytes \d{7,}$/m);
  expect((await started.get("/readyz")).status).toBe(200);
  expect((await started.get("/startupz")).status).toBe(200);
  expect((await started.get("/nothing")).status).toBe(404);
});

test("readiness: startup is latched, always is not, never needs no control plane", async () => {
  let isUp = true;
  await using plane = await fakeControlPlane({
    intervalMs: 250,
    refuse: (socket) => !isUp && problemAnswer(socket, 503, "admission"),
  });
  await using latched = await start(plane);
  await using always = await start(plane, { readiness: "always" });
  const ready = async (of: typeof latched): Promise<number> => (await of.get("/readyz")).status;
  await eventually(async () => (await ready(latched)) === 200 && (await ready(always)) === 200);
  isUp = false;
  await using never = await start(plane, { readiness: "never" });
  for (const { socket } of plane.sessions) socket.terminate();
  await eventually(async () => (await ready(always)) === 503);
  expect([await ready(latched), await ready(never)]).toEqual([200, 200]);
});

test("a bad reload keeps the last good set and says so; a good one brings a snapshot", async () => {
  await using place = await folder();
  await using target = await silent();
  const file = join(place.path, "config");
  await writeFile(file, `a ${target.port}\nb ${target.port}\n`);
  await using plane = await fakeControlPlane({ intervalMs: 250 });
  await using started = await start(plane, { file, load: loadLines });
  const session = await plane.session(0);
  await session.wait("status.snapshot");
  await writeFile(file, "rubbish\n");
  const beat = await session.wait("session.heartbeat", ({ data }) => data.configInvalid !== null);
  expect(beat.data.configInvalid).toBe(`${file}:1:1: integrations[0]: is no integration`);
  expect((await started.get("/metrics")).text).toContain("mooring_config_last_reload_success 0");
  await writeFile(file, `a ${target.port}\n`);
  await session.wait("status.snapshot", ({ data }) => data.items.length === 1);
  const after = (await started.get("/metrics")).text;
  expect(after).toContain("mooring_config_last_reload_success 1");
  expect(after).not.toContain('integration="b"');
  await session.wait(
    "session.heartbeat",
    ({ data }) => data.checks.online === 1 && data.configInvalid === null,
  );
});

test("values of secrets are in no frame, log line, metric or file of ours", async () => {
  const canary = "canary/S3cret+value=";
  await using server = await httpServer((request, response) => {
    // A server that repeats the login wherever it can.
    response.writeHead(401, { "www-authenticate": `Bearer error="${request.headers.authorization}"` });
    response.end(request.headers.authorization);
  });
  const secret = boundSecret({
    read: () => Promise.resolve({ text: canary }),
  });
  await using plane = await fakeControlPlane({ intervalMs: 250 });
  await using started = await start(plane, {
    load: loadItems([httpItem("api", `http://127.0.0.1:${server.port}/`, secret)]),
  });
  const session = await plane.session(0);
  await session.wait("status.changed", ({ data }) => data.reason === "credentials_rejected");
  session.send("command.dispatch", {
    commandId: "k",
    kind: "integration.test",
    resourceKey: "r",
    attempt: 1,
    timeoutMs: 5_000,
    args: { integration: "api" },
  });
  await session.wait("command.result");
  await session.wait("session.heartbeat");
  const everything = [
    JSON.stringify(session.frames),
    started.lines.join(""),
    (await started.get("/metrics")).text,
  ].join("\n");
  for (const form of [canary, encodeURIComponent(canary), Buffer.from(canary).toString("base64"), "S3cret"])
    expect(everything).not.toContain(form);
  expect(everything).not.toContain("join-token-canary");
  expect(everything).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}/);
});

test("looks that run when it ends are ended with it, and leave no socket", async () => {
  await using target = await silent();
  const slow = httpItem("slow", `http://127.0.0.1:${target.port}/`);
  const started = await start(undefined, { load: loadItems([{ ...slow, timeoutMs: 60_000 }]) });
  await eventually(() => target.open() === 1);
  const before = performance.now();
  await started[Symbol.asyncDispose]();
  await target.idle();
  expect(performance.now() - before).toBeLessThan(2_000);
});
