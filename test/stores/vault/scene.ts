import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportSPKI, generateKeyPair, SignJWT } from "jose";
import { vault } from "../../../src/connector/secrets/vault.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { letterOf, lookFor, type Wish } from "../row.ts";
import { type Bao, devBao, textAt } from "./bao.ts";

/** Values that no report, error or log may repeat. */
export const CANARY = { password: "cnry-pw-7f3a91c2", kv1: "cnry-kv1-5d20b7ee", folder: "cnry-fld-0c44d1aa" };

export const AUDIENCE = "vault";
const ISSUER = "https://kubernetes.issuer.test";
export const SUBJECT = "system:serviceaccount:infra:mooring";

type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

/** How a token differs from one that is taken. */
export interface Claims {
  readonly sub?: string;
  readonly aud?: string;
  readonly iss?: string;
  readonly team?: string;
  /** From now, seconds. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly key?: Key;
}

/** An OpenBao with secrets, policies and ways to log in; and files for what the connector is known by. */
export class Scene implements AsyncDisposable {
  readonly bao: Bao;
  readonly directory: string;
  readonly otherKey: Key;
  readonly #key: Key;
  readonly #canaries: string[] = Object.values(CANARY);
  #files = 0;

  private constructor(bao: Bao, directory: string, keys: readonly [Key, Key]) {
    this.bao = bao;
    this.directory = directory;
    [this.#key, this.otherKey] = keys;
  }

  static async open(): Promise<Scene> {
    const bao = await devBao();
    const directory = await mkdtemp(join(tmpdir(), "mooring-vault-"));
    const good = await generateKeyPair("RS256", { extractable: true });
    const other = await generateKeyPair("RS256");
    const scene = new Scene(bao, directory, [good.privateKey, other.privateKey]);
    await furnish(bao, await exportSPKI(good.publicKey));
    return scene;
  }

  /** A file of the connector's with this in it; the text must never be told. */
  async file(text: string, mode = 0o600): Promise<string> {
    this.#files += 1;
    const folder = join(this.directory, String(this.#files));
    await mkdir(folder);
    const path = join(folder, "token");
    await writeFile(path, text);
    await chmod(path, mode);
    if (text.trim() !== "") this.#canaries.push(text.trim());
    return path;
  }

  async jwt(claims: Claims = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const { sub = SUBJECT, aud = AUDIENCE, iss = ISSUER, team = "payments", exp = 600, nbf, key } = claims;
    const token = new SignJWT({ team }).setProtectedHeader({ alg: "RS256" }).setIssuedAt(now - 7200);
    token
      .setSubject(sub)
      .setAudience(aud)
      .setIssuer(iss)
      .setExpirationTime(now + exp);
    if (nbf !== undefined) token.setNotBefore(now + nbf);
    return await token.sign(key ?? this.#key);
  }

  /** Logs in by JWT. */
  async asJwt(claims: Claims = {}, role = "mooring", mount = "jwt"): Promise<Auth> {
    return { method: "jwt", role, mount, tokenFile: await this.file(`${await this.jwt(claims)}\n`) };
  }

  /** A token with these policies, in a file. */
  async asToken(policies: readonly string[], more: object = {}): Promise<Auth> {
    const made = await this.bao.ask("POST", "auth/token/create", { policies, ttl: "1h", ...more });
    return { method: "token", tokenFile: await this.file(textAt(made, "auth", "client_token")) };
  }

  /** Looks for a secret, with the policies of `reader` unless it says otherwise. */
  async look(ref: object, { auth, address, namespace, ...wish }: Looking = {}): Promise<Report> {
    return await lookFor({
      type: vault,
      ref: { mount: "secret", path: "prod/orders-db", ...ref },
      config: {
        address: address ?? this.bao.address,
        auth: auth ?? (await this.asToken(["reader"])),
        ...(namespace === undefined ? {} : { namespace }),
      },
      ...wish,
      canaries: [...this.#canaries, this.bao.root, ...(wish.canaries ?? [])],
    });
  }

  /** What a person reads, without what differs from run to run. */
  letter(report: Report): string {
    return letterOf(report)
      .replaceAll(new RegExp(`${this.directory}/\\d+`, "g"), "/run/mooring")
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME")
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ROLE-ID");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bao[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export type Auth = Readonly<Record<string, string>>;
type Looking = Partial<Omit<Wish<unknown, unknown>, "type" | "ref" | "config">> & {
  readonly auth?: Auth;
  readonly address?: string;
  readonly namespace?: string;
};

/** Secrets: secret/ (v2), team/kv/ (v2), old/ (v1), team-a: kv/ (v2). */
async function furnish(bao: Bao, publicKey: string): Promise<void> {
  const login = { username: "orders", password: CANARY.password };
  const policy = (name: string, text: string): Promise<unknown> =>
    bao.ask("POST", `sys/policies/acl/${name}`, { policy: text });
  await bao.ask("POST", "secret/data/prod/orders-db", { data: login });
  await bao.ask("POST", "secret/data/prod/billing/main", { data: { ...login, password: CANARY.folder } });
  await bao.ask("POST", "sys/mounts/team/kv", { type: "kv", options: { version: "2" } });
  await bao.ask("POST", "sys/mounts/old", { type: "kv", options: { version: "1" } });
  await bao.ask("POST", "team/kv/data/orders-db", { data: login });
  await bao.ask("POST", "old/prod/orders-db", { username: "orders", password: CANARY.kv1 });
  await bao.ask("POST", "sys/mounts/pki", { type: "pki" });
  await policy(
    "reader",
    `path "secret/data/*" { capabilities = ["read"] }
     path "secret/metadata/*" { capabilities = ["read", "list"] }
     path "team/kv/data/*" { capabilities = ["read"] }
     path "old/*" { capabilities = ["read", "list"] }
     path "pki/*" { capabilities = ["read"] }
     path "nowhere/*" { capabilities = ["read"] }`,
  );
  await policy("data-only", `path "secret/data/*" { capabilities = ["read"] }`);
  await policy("as-v1", `path "secret/prod/*" { capabilities = ["read"] }`);
  await policy("other", `path "secret/data/other/*" { capabilities = ["read"] }`);
  await policy("as-v2", `path "old/data/*" { capabilities = ["read"] }`);
  await bao.ask("POST", "sys/auth/jwt", { type: "jwt" });
  await bao.ask("POST", "auth/jwt/config", { jwt_validation_pubkeys: [publicKey], bound_issuer: ISSUER });
  const role = {
    role_type: "jwt",
    user_claim: "sub",
    bound_audiences: [AUDIENCE],
    token_policies: ["reader"],
  };
  await bao.ask("POST", "auth/jwt/role/mooring", {
    ...role,
    bound_subject: SUBJECT,
    bound_claims: { team: "payments" },
    token_ttl: "1h",
  });
  await bao.ask("POST", "sys/auth/approle", { type: "approle" });
  await bao.ask("POST", "sys/namespaces/team-a", {});
  const namespace = { namespace: "team-a" };
  await bao.ask("POST", "sys/mounts/kv", { type: "kv", options: { version: "2" } }, namespace);
  await bao.ask("POST", "kv/data/orders-db", { data: login }, namespace);
  const inside = `path "kv/data/*" { capabilities = ["read"] } path "kv/metadata/*" { capabilities = ["list"] }`;
  await bao.ask("POST", "sys/policies/acl/reader", { policy: inside }, namespace);
}
