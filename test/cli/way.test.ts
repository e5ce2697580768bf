import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "../../src/demo/certificates.ts";
import { started, type Started } from "../control-plane/started.ts";
import { type Ended, mooring } from "./run.ts";

// What the commands say where the way to the control plane is wrong: its scheme, or what is trusted.

let plane: Started;
let directory: string;
const authority = await createAuthority("a stranger");
const pair = await authority.issue({ names: ["127.0.0.1"] });
const secure = createServer({ cert: pair.certPem, key: pair.keyPem }, (_, response) => response.end());
beforeAll(async () => {
  plane = await started();
  directory = await mkdtemp(join(tmpdir(), "mooring-way-"));
  await writeFile(join(directory, "empty.pem"), "nothing\n");
  await new Promise<void>((resolve) => {
    secure.listen(0, "127.0.0.1", resolve);
  });
});
afterAll(async () => {
  secure.close();
  await plane[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const status = (url: string, ...more: string[]): Promise<Ended> =>
  mooring(["status", "--control-plane", url, "--data", plane.dataDir, ...more]);
const doctor = (url: string, ...more: string[]): Promise<Ended> =>
  mooring(["doctor", "--control-plane", url, "--state", join(directory, "state"), ...more]);
const plainHost = (): string => new URL(plane.origin).host;
const secureHost = (): string => `127.0.0.1:${(secure.address() as AddressInfo).port}`;

test("https:// where plain HTTP is spoken", async () => {
  const says = `The control plane at ${plainHost()} speaks plain HTTP, not TLS: write --control-plane http://${plainHost()}.`;
  expect(await status(`https://${plainHost()}`)).toEqual({ code: 1, stdout: "", stderr: `${says}\n` });
  const { code, stdout } = await doctor(`https://${plainHost()}`);
  expect(stdout).toContain(`  ✗ control plane: ${says}\n`);
  expect(code).toBe(1);
});

test("http:// where TLS is spoken", async () => {
  expect(await status(`http://${secureHost()}`)).toEqual({
    code: 1,
    stdout: "",
    stderr: `http://${secureHost()} ended the connection without an answer; if it speaks TLS, write --control-plane https://${secureHost()}.\n`,
  });
});

test("a certificate that nobody vouches for", async () => {
  expect(await status(`https://${secureHost()}`)).toEqual({
    code: 1,
    stdout: "",
    stderr: `The certificate of the control plane at ${secureHost()} is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): name the CA that issued it with --ca FILE.\n`,
  });
  const { code, stdout } = await doctor(`https://${secureHost()}`);
  expect(stdout).toContain("\n  The control plane is unreachable.\n");
  expect(stdout).toContain("\n  1. Name the issuer's certificate with --ca FILE.\n");
  expect(code).toBe(1);
});

test("a CA file without certificates, or none at all", async () => {
  const file = join(directory, "empty.pem");
  const unfit = `--ca: the file ${file} cannot be read as PEM certificates: one begins with -----BEGIN CERTIFICATE-----.`;
  const missing = `--ca: there is no file ${file}.gone; name a PEM file of certificates.`;
  const wrong = (says: string): Ended => ({ code: 2, stdout: "", stderr: `mooring status: ${says}\n` });
  expect(await status(plane.origin, "--ca", file)).toEqual(wrong(unfit));
  expect(await status(`https://${secureHost()}`, "--ca", `${file}.gone`)).toEqual(wrong(missing));
  const { code, stdout } = await doctor(`https://${secureHost()}`, "--ca", file);
  expect(stdout).toBe(`  · configuration: no file is named\n  ✗ control plane: ${unfit}\n\n`);
  expect(code).toBe(1);
});

test("a data folder that is no control plane's", async () => {
  expect(await mooring(["status", "--data", join(directory, "none")])).toEqual({
    code: 2,
    stdout: "",
    stderr: `mooring status: --data ${join(directory, "none")}: no control plane has its data there; name the folder that mooring control-plane has as --data\n`,
  });
});
