import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { expect, test } from "vitest";
import { type Authority, createAuthority, type KeyedCertificate } from "../../src/demo/certificates.ts";
import { Agent, eventually, folder, freePort, Program, ran } from "./programs.ts";

const SCALE = 0.05;
const MOORING = { MOORING_TIME_SCALE: String(SCALE) };

/** The serial number of the certificate that a listener shows now. */
async function shown(port: number): Promise<string> {
  const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  try {
    await new Promise((resolve, reject) => {
      socket.once("secureConnect", resolve).once("error", reject);
    });
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}

test.concurrent(
  "the certificate changes under way: old connections live, new ones get the new one",
  { timeout: 60_000 },
  async () => {
    await using place = await folder();
    const file = (name: string): string => join(place.path, name);
    const [authority, stranger] = await Promise.all([createAuthority("ours"), createAuthority("a stranger")]);
    const use = async (pair: KeyedCertificate): Promise<void> => {
      await writeFile(file("tls.crt"), pair.certPem);
      await writeFile(file("tls.key"), pair.keyPem);
    };
    const issued = (by: Authority): Promise<KeyedCertificate> =>
      by.issue({ names: ["localhost", "127.0.0.1"] });
    await writeFile(file("ca.pem"), authority.certPem);
    await use(await issued(authority));

    const [port, health] = [await freePort(), await freePort()];
    const url = `https://127.0.0.1:${port}`;
    const pair = ["--tls-cert", file("tls.crt"), "--tls-key", file("tls.key")];
    const where = [
      "--listen",
      `127.0.0.1:${port}`,
      "--health-listen",
      `127.0.0.1:${health}`,
      "--data",
      file("data"),
    ];
    await using plane = new Program(["control-plane", ...where, ...pair], MOORING);
    await plane.until200(`http://127.0.0.1:${health}/readyz`);
    expect(plane.stderr).toContain(
      `Mooring control plane: ${url}\nHealth and metrics: http://127.0.0.1:${health}\n`,
    );

    const asking = ["--control-plane", url, "--ca", file("ca.pem"), "--data", file("data")];
    const made = await ran(["token", "create", "tls", ...asking]);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mjt_\S+\n$/) as string });
    await writeFile(file("join"), made.stdout);
    const trust = ["--ca", file("ca.pem")];
    await using agent = await Agent.start({
      scale: SCALE,
      to: url,
      joinTokenFile: file("join"),
      flags: trust,
    });

    const before = await shown(port);
    await use(await issued(authority));
    await plane.logged("the new certificate", ({ message }) => message === "the certificate was read anew");
    await eventually("new connections get it", async () =>
      (await shown(port)) === before ? undefined : true,
    );
    // The session that was there lives on: a heartbeat is still answered.
    const beaten = (): Promise<number | undefined> =>
      agent.metric("mooring_control_plane_last_heartbeat_timestamp_seconds");
    const last = await beaten();
    await eventually("a heartbeat on the old connection", async () =>
      (await beaten()) === last ? undefined : true,
    );
    expect(await agent.metric('mooring_control_plane_connect_attempts_total{result="ready"}')).toBe(1);

    // A broken one changes nothing, and is told.
    const good = await shown(port);
    await writeFile(file("tls.crt"), "no certificate\n");
    const warning = await plane.logged("the broken one", ({ level }) => level === "warn");
    expect(warning).toMatchObject({
      message: "the new certificate cannot be used; the old one stays",
      why: `--tls-cert ${file("tls.crt")} and --tls-key ${file("tls.key")} are no certificate and its key (PEM) that fit each other.`,
    });
    expect(await shown(port)).toBe(good);

    // One that the connector does not trust is a worded state on its end, until it is mended.
    await use(await issued(stranger));
    await eventually("the stranger's", async () => ((await shown(port)) === good ? undefined : true));
    await agent.program.stop();
    await agent.again("livez");
    const refused = await agent.program.logged(
      "a refusal",
      ({ reason }) => reason === "certificate_untrusted",
    );
    expect(refused.message).toMatch(
      new RegExp(
        `^The certificate of the control plane at 127\\.0\\.0\\.1:${port} is not trusted \\([A-Z_]+\\): name the CA that issued it with --ca FILE\\.$`,
      ),
    );
    await use(await issued(authority));
    await agent.program.until200(`${agent.health}/readyz`);
  },
);
