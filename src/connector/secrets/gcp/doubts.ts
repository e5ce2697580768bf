import type { Evidence } from "../../../protocol/words.ts";
import { Failure } from "../../failure.ts";
import { nearest } from "../../nearest.ts";
import type { Api } from "./api.ts";
import { valueOf } from "./details.ts";
import { type Asked, disabledEvidence, explain } from "./explain.ts";
import { endpointOf, GLOBAL, type SecretName } from "./name.ts";
import { idOf, listed, type SecretResource, secretResource, versionResource } from "./resources.ts";
import type { Status } from "./status.ts";

export interface Doubt {
  readonly asked: Asked;
  readonly base: URL;
  /** The secret itself, where it is known. */
  readonly secret: SecretResource | undefined;
  /** Whether Google's own endpoint is asked. */
  readonly own: boolean;
}

const MOST_LISTED = 10_000;

/** A refusal says less than can be found out: each further question is asked only where one failed. */
export class Doubts {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async settle(refusal: Status, doubt: Doubt, signal: AbortSignal): Promise<Failure> {
    const { asked, base } = doubt;
    const secret = doubt.secret ?? (await this.#secret(refusal, doubt, signal));
    if (secret === "absent") {
      const absent = { ...refusal, code: "NOT_FOUND", reason: "", message: "" };
      const failure = explain(absent, { ...asked, permission: "secretmanager.secrets.get" });
      return await this.#notFound(failure, doubt, signal);
    }
    const failure = explain(refusal, { ...asked, exists: asked.exists || secret !== undefined });
    const { name } = asked;
    const { reason } = failure;
    if (reason === "secret_not_found" && !("missingProject" in failure.evidence)) {
      const isThere = secret !== undefined || "missingVersion" in failure.evidence;
      if (!isThere) return await this.#notFound(failure, doubt, signal);
      return also(failure, await this.#nearVersion(name, base, signal));
    }
    if (reason === "secret_disabled")
      return also(failure, await this.#state(asked, { base, before: failure.evidence }, signal));
    if (reason === "secret_region_mismatch") return also(failure, { wrongEndpoint: base.host });
    return reason === "secret_decrypt_forbidden" ? also(failure, agentOf(secret)) : failure;
  }

  /** What GetSecret says where reading the value failed: "absent", or undefined where it may not be asked. */
  async #secret(
    refusal: Status,
    { asked, base }: Doubt,
    signal: AbortSignal,
  ): Promise<SecretResource | "absent" | undefined> {
    if (asked.permission === "secretmanager.secrets.get" || !isAboutTheSecret(refusal)) return undefined;
    try {
      const answer = await this.#api.get(new URL(asked.name.resource, base), signal);
      if ("value" in answer) return secretResource.safeParse(answer.value).data;
      return answer.refusal.code === "NOT_FOUND" ? "absent" : undefined;
    } catch {
      return undefined;
    }
  }

  async #notFound(failure: Failure, { asked, base, own }: Doubt, signal: AbortSignal): Promise<Failure> {
    const { name } = asked;
    if (name.location !== undefined && own) {
      const resource = `projects/${name.project}/secrets/${name.secretId}`;
      const url = new URL(`v1/${resource}`, endpointOf(undefined));
      if ((await valueOf(this.#api, url, signal)) !== undefined) {
        const evidence = { actualRegion: GLOBAL, region: name.location, rightName: resource };
        return new Failure("secret", "secret_region_mismatch", evidence);
      }
    }
    return also(failure, await this.#near(name, base, signal));
  }

  /** Takes secretmanager.secrets.list on the project. */
  async #near(
    { project, location, secretId }: SecretName,
    base: URL,
    signal: AbortSignal,
  ): Promise<Evidence> {
    const parent = `projects/${project}${location === undefined ? "" : `/locations/${location}`}`;
    const url = new URL(`${parent}/secrets?pageSize=${MOST_LISTED}&fields=secrets.name`, base);
    const { secrets = [] } = listed.safeParse(await valueOf(this.#api, url, signal)).data ?? {};
    const near = nearest(
      secretId,
      secrets.map(({ name }) => idOf(name)),
    );
    return near === undefined ? {} : { near, nearName: `${parent}/secrets/${near}` };
  }

  async #nearVersion({ resource }: SecretName, base: URL, signal: AbortSignal): Promise<Evidence> {
    const latest = await this.#version(`${resource}/versions/latest`, base, signal);
    return latest === undefined ? {} : { newest: idOf(latest.name) };
  }

  /** Takes secretmanager.versions.get; else what the refusal said must do. */
  async #state(
    { name }: Asked,
    { base, before }: { readonly base: URL; readonly before: Evidence },
    signal: AbortSignal,
  ): Promise<Evidence> {
    const version = await this.#version(`${name.resource}/versions/${name.version}`, base, signal);
    if (version === undefined) return before;
    const known = disabledEvidence(version.state, idOf(version.name));
    const { scheduledDestroyTime: at } = version;
    if (at === undefined || Number.isNaN(at)) return known;
    const time = new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
    return { ...known, disabledHow: `${known["disabledHow"]}, and will be destroyed at ${time}` };
  }

  async #version(path: string, base: URL, signal: AbortSignal) {
    return versionResource.safeParse(await valueOf(this.#api, new URL(path, base), signal)).data;
  }
}

/** Refusals that hold for a whole project tell nothing of the secret, and would be the same again. */
function isAboutTheSecret({ code, reason }: Status): boolean {
  if (code === "NOT_FOUND" || code === "FAILED_PRECONDITION") return true;
  return code === "PERMISSION_DENIED" && (reason === "" || reason === "IAM_PERMISSION_DENIED");
}

function also(failure: Failure, evidence: Evidence): Failure {
  return new Failure("secret", failure.reason, { ...failure.evidence, ...evidence }, failure.cause);
}

/** Secret Manager uses keys as this account of the secret's project: its number stands in the secret's own name. */
function agentOf(secret: SecretResource | undefined): Evidence {
  const [, number] = /^projects\/(\d+)\//.exec(secret?.name ?? "") ?? [];
  if (number === undefined) return {};
  return { agentMember: `serviceAccount:service-${number}@gcp-sa-secretmanager.iam.gserviceaccount.com` };
}
