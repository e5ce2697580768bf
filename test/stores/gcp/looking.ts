import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "../../../src/connector/secrets/gcp/crc32c.ts";
import { gcp, type GcpConfig, type GcpRef } from "../../../src/connector/secrets/gcp.ts";
import { GcpStore } from "../../../src/connector/secrets/gcp/store.ts";
import type { SecretStore, StorePlace } from "../../../src/connector/secrets/secret-store.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { place, settings } from "../../fake/secret.ts";
import { httpServer } from "../../fake/secure.ts";
import { lookFor, type Wish } from "../row.ts";
import { fakeIdentity, type FakeIdentity } from "./fake-identity.ts";
import { type FakeSecret, FakeSecretManager, type FakeVersion } from "./fake-secret-manager.ts";
import { rest } from "./wires.ts";

/** A text that must be in nothing that is told. */
export function canary(kind: string): string {
  return `canary-${kind}-${randomBytes(12).toString("hex")}`;
}

export const USERNAME = canary("user");
export const PASSWORD = canary("password");
export const NAME = "projects/shop/secrets/orders-db";
export const LABEL = "mooring-connector-read";
/** 2026-01-02T03:04:05Z, epoch seconds. */
export const CREATED = 1_767_323_045;

export function version(said: Partial<FakeVersion> & { text?: string } = {}): FakeVersion {
  const { text = JSON.stringify({ username: USERNAME, password: PASSWORD }), ...rest } = said;
  const data = Buffer.from(text);
  return { data, state: "ENABLED", created: CREATED, crc32c: String(crc32c(data)), ...rest };
}

export function secret(said: Partial<FakeSecret> = {}): FakeSecret {
  return { labels: {}, versions: [version()], ...said };
}

export interface Look extends Partial<Omit<Wish<GcpRef, GcpConfig>, "type" | "config" | "place">> {
  readonly name?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly place?: StorePlace;
}

/** Google, as much of it as a look needs, with one secret; and a folder for files. */
export interface Google extends AsyncDisposable {
  readonly manager: FakeSecretManager;
  readonly identity: FakeIdentity;
  readonly url: string;
  readonly folder: string;
  file(name: string, content: unknown): Promise<string>;
  /** The environment of a pod with workload identity. */
  readonly environment: Readonly<Record<string, string>>;
  look(look?: Look): Promise<Report>;
  /** A store that outlives a look. `podTokenFile`: the pod's own token. */
  open(said?: {
    config?: GcpConfig;
    place?: StorePlace;
    podTokenFile?: string;
    optIn?: boolean;
  }): SecretStore<GcpRef>;
}

export async function google(): Promise<Google> {
  const manager = new FakeSecretManager();
  manager.secrets.set(NAME, secret());
  const tokens: string[] = [];
  const identity = await fakeIdentity(() => {
    const token = canary("token");
    tokens.push(token);
    manager.tokens.add(token);
    return token;
  });
  const server = await httpServer(rest(manager));
  const url = `http://127.0.0.1:${server.port}`;
  const folder = await mkdtemp(join(tmpdir(), "mooring-gcp-"));
  const environment = { GCE_METADATA_HOST: identity.place, HOME: folder };
  return {
    manager,
    identity,
    url,
    folder,
    environment,
    file: async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
      return path;
    },
    look: async (look = {}) => {
      const { name = NAME, config = {}, canaries = [], environment: said = environment, ...rest } = look;
      // Tokens that are given during the look count too.
      const all = new Proxy([USERNAME, PASSWORD, ...canaries], {
        get: (target, key) => Reflect.get([...target, ...tokens], key) as unknown,
      });
      return await lookFor({
        type: gcp,
        ref: { name },
        config: { endpoint: url, ...config },
        place: place(said),
        canaries: all,
        ...rest,
      });
    },
    open: ({
      config = { endpoint: url },
      place: where = place(environment),
      podTokenFile,
      optIn = false,
    } = {}) => {
      const keys = [LABEL, "apono-connector-read"];
      return new GcpStore(settings(config, { optIn: { required: optIn, keys } }), where, podTokenFile);
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await identity[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Wherever the folder of a test is told. */
export function tidy(letter: string, { folder }: Pick<Google, "folder">): string {
  return letter.replaceAll(folder, "/var/run/gcp");
}
