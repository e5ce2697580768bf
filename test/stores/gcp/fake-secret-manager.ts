import type { Refusal } from "./protos.ts";

export interface FakeVersion {
  data: Uint8Array;
  state: "ENABLED" | "DISABLED" | "DESTROYED";
  /** epoch seconds */
  created: number;
  scheduledDestroy?: number;
  /** instead of the right one */
  crc32c?: string;
}

export interface FakeSecret {
  labels: Record<string, string>;
  /** epoch seconds */
  expires?: number;
  versions: FakeVersion[];
}

export type Method = "GetSecret" | "AccessSecretVersion" | "GetSecretVersion" | "ListSecrets";

const RIGHTS: Readonly<Record<Method, string>> = {
  GetSecret: "secretmanager.secrets.get",
  AccessSecretVersion: "secretmanager.versions.access",
  GetSecretVersion: "secretmanager.versions.get",
  ListSecrets: "secretmanager.secrets.list",
};

export type Outcome = { readonly value: Record<string, unknown> } | { readonly refusal: Refusal };

const refuse = (refusal: Refusal): Outcome => ({ refusal });

/** What Secret Manager decides, over whatever wire it is asked. Its project's number is 4711. */
export class FakeSecretManager {
  /** by `projects/P/secrets/S` */
  readonly secrets = new Map<string, FakeSecret>();
  readonly rights = new Set(Object.values(RIGHTS));
  readonly tokens = new Set<string>();
  /** what was asked for, oldest first: `AccessSecretVersion projects/P/secrets/S/versions/1` */
  readonly asked: string[] = [];
  /** an endpoint has the secrets of one location, or those that have none */
  location: string | undefined;
  /** what is refused before anything else */
  refuses: ((method: Method, name: string) => Refusal | undefined) | undefined;

  handle(method: Method, name: string, token: string | undefined): Outcome {
    this.asked.push(`${method} ${name}`);
    if (token === undefined || !this.tokens.has(token)) {
      const metadata = { service: "secretmanager.googleapis.com" };
      const info = { reason: "ACCESS_TOKEN_TYPE_UNSUPPORTED", domain: "googleapis.com", metadata };
      return refuse({
        code: "UNAUTHENTICATED",
        message: "Request had invalid authentication credentials.",
        info,
      });
    }
    const said = this.refuses?.(method, name);
    if (said !== undefined) return refuse(said);
    const [, location] = /^projects\/[^/]+\/locations\/([^/]+)\//.exec(`${name}/`) ?? [];
    if (location !== this.location) return refuse(this.#malformed(method, name));
    const right = RIGHTS[method];
    if (!this.rights.has(right)) {
      const message = `Permission '${right}' denied for resource '${name}' (or it may not exist).`;
      const metadata = { permission: right, resource: name };
      const info = { reason: "IAM_PERMISSION_DENIED", domain: "iam.googleapis.com", metadata };
      return refuse({ code: "PERMISSION_DENIED", message, info });
    }
    return method === "ListSecrets" ? this.#list(name) : this.#one(method, name);
  }

  #malformed(method: Method, name: string): Refusal {
    const format = `projects/*/${this.location === undefined ? "" : "locations/*/"}secrets/*`;
    const whole = method === "GetSecret" ? format : `${format}/versions/*`;
    const message = `The provided Secret ID [${name}] does not match the expected format [${whole}]`;
    return { code: "INVALID_ARGUMENT", message };
  }

  #list(parent: string): Outcome {
    const names = [...this.secrets.keys()].filter((name) => name.startsWith(`${parent}/secrets/`));
    return { value: { secrets: names.map((name) => ({ name: numbered(name) })) } };
  }

  #one(method: Method, name: string): Outcome {
    const [resource = "", asked] = name.split("/versions/");
    const secret = this.secrets.get(resource);
    const shown = numbered(resource);
    if (method === "GetSecret") {
      if (secret === undefined) return refuse({ code: "NOT_FOUND", message: `Secret [${shown}] not found.` });
      const expireTime = secret.expires === undefined ? {} : { expireTime: { seconds: secret.expires } };
      return { value: { name: shown, labels: secret.labels, ...expireTime } };
    }
    const newest = String(secret?.versions.length ?? 0);
    const number = asked === "latest" ? newest : (asked ?? "");
    const version = secret?.versions[Number(number) - 1];
    if (version === undefined) {
      const none = `Secret [${shown}] not found or has no versions.`;
      const message = asked === "latest" ? none : `Secret Version [${shown}/versions/${number}] not found.`;
      return refuse({ code: "NOT_FOUND", message });
    }
    const full = `${shown}/versions/${number}`;
    if (method === "GetSecretVersion") return { value: described(full, version) };
    if (version.state !== "ENABLED") {
      const message = `Secret Version [${full}] is in ${version.state} state.`;
      return refuse({ code: "FAILED_PRECONDITION", message });
    }
    const sum = version.crc32c === undefined ? {} : { dataCrc32c: version.crc32c };
    return { value: { name: full, payload: { data: version.data, ...sum } } };
  }
}

function described(name: string, { state, created, scheduledDestroy }: FakeVersion): Record<string, unknown> {
  const times = {
    createTime: { seconds: created },
    ...(scheduledDestroy === undefined ? {} : { scheduledDestroyTime: { seconds: scheduledDestroy } }),
  };
  return { name, state, ...times };
}

function numbered(name: string): string {
  return name.replace(/^projects\/[^/]+/, "projects/4711");
}
