import { z } from "zod";
import type { VaultRef } from "../vault.ts";
import type { Api } from "./api.ts";

/** Where a secret is, once it is known which engine answers for it. */
export interface Location {
  /** Without slashes at its ends. */
  readonly mount: string;
  readonly path: string;
  readonly kv: 1 | 2;
}

/** `other`: an engine that is no KV. `unknown`: the token may not see a mount there, or there is none. */
export type Found = Location | { readonly other: string; readonly mount: string } | "unknown";

const mountAnswer = z.object({
  data: z.object({
    path: z.string(),
    type: z.string(),
    options: z.object({ version: z.string().optional() }).nullish(),
  }),
});

/** Which engine answers for a path; what was found is remembered until it proves wrong. */
export class Mounts {
  readonly #known = new Map<string, Found>();

  /**
   * A read policy on anything in a mount is enough to ask
   * (https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts).
   */
  async find(api: Api, token: string, { mount, path }: VaultRef, signal: AbortSignal): Promise<Found> {
    const whole = `${mount}/${path}`;
    const known = this.#known.get(whole);
    if (known !== undefined) return known;
    const answer = await api.call({ path: `sys/internal/ui/mounts/${whole}`, token }, signal);
    const parsed = mountAnswer.safeParse(answer.value);
    if (answer.status !== 200 || !parsed.success) return "unknown";
    const { data } = parsed.data;
    const at = data.path.replace(/^\/+|\/+$/g, "");
    const found = locate(whole, at, data.type, data.options?.version);
    this.#known.set(whole, found);
    return found;
  }

  forget({ mount, path }: VaultRef): void {
    this.#known.delete(`${mount}/${path}`);
  }
}

/** The mount may be longer or shorter than what the reference calls so: the engine's own word counts. */
function locate(whole: string, mount: string, type: string, version: string | undefined): Found {
  const kind = type === "generic" ? "kv" : type;
  if (kind !== "kv") return { other: /^[\w.-]{1,64}$/.test(kind) ? kind : "other", mount };
  // In namespaces the path of a mount may begin with that of its namespace: the tail is ours.
  if (!whole.startsWith(`${mount}/`)) return "unknown";
  return { mount, path: whole.slice(mount.length + 1), kv: version === "2" ? 2 : 1 };
}
