import { z } from "zod";
import type { KubernetesApi } from "./kubernetes/api.ts";
import { ApiFailure, isRefusal } from "./kubernetes/api-failure.ts";
import type { Resource } from "./kubernetes/resource.ts";
import { Refusal } from "./refusal.ts";
import type { StateStore } from "./state.ts";

/** A Secret with its values, as little of it as is needed. */
const SECRETS: Resource<z.infer<typeof shape>> = {
  group: "",
  version: "v1",
  plural: "secrets",
  shape: z.lazy(() => shape),
};
const shape = z.object({
  metadata: z.object({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).nullish(),
});

type Data = z.infer<typeof shape>["data"];

/** Who writes: server-side apply owns these fields under this name, so that an upgrade of the chart leaves them alone. */
const FIELD_MANAGER = "mooring-connector-state";
const TRIES = 3;

/**
 * State in a Kubernetes Secret: a key for each name. The Secret must be there: `create` cannot be limited to one name,
 * so the chart makes it, empty, and the connector has get and patch on it alone.
 */
export function secretState(
  api: Pick<KubernetesApi, "get" | "apply">,
  which: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): StateStore {
  const place = `Secret ${which.namespace}/${which.name}`;
  const get = () => api.get(SECRETS, which, { signal });
  /** Writes what is to be beside what is there, if `isDue` says so of that. */
  const put = async (name: string, value: unknown, isDue: (data: Data) => boolean): Promise<void> => {
    const text = Buffer.from(JSON.stringify(value)).toString("base64");
    for (let tries = 1; ; tries += 1) {
      try {
        const { metadata, data } = await get();
        if (!isDue(data)) return;
        const object = {
          apiVersion: "v1",
          kind: "Secret",
          // Refused where somebody wrote meanwhile: what they wrote would be lost.
          metadata: { name: which.name, resourceVersion: metadata.resourceVersion },
          data: { ...data, [name]: text },
        };
        await api.apply(SECRETS, which, object, { signal, fieldManager: FIELD_MANAGER, force: true });
        return;
      } catch (error) {
        if (!isRefusal(error, 409) || tries === TRIES) throw trouble(error, place, "patch");
      }
    }
  };
  return {
    read: async (name, schema) => {
      const { data } = await get().catch((error: unknown) => {
        throw trouble(error, place, "get");
      });
      const text = data?.[name];
      if (text === undefined) return undefined;
      try {
        return schema.parse(JSON.parse(Buffer.from(text, "base64").toString("utf8")));
      } catch {
        // The parser's own words could repeat a key: they are not kept.
        const says = `The connector's identity in ${place} cannot be read: ${name} is not what the connector wrote.`;
        throw new Refusal("state_unreadable", says);
      }
    },
    write: (name, value) => put(name, value, () => true),
    writeNew: (name, value) => put(name, value, (data) => data?.[name] === undefined),
  };
}

/** `secret:NAME` as the name; undefined where it is a folder. */
export function secretNameOf(state: string): string | undefined {
  return state.startsWith("secret:") ? state.slice("secret:".length) : undefined;
}

function trouble(error: unknown, place: string, verb: "get" | "patch"): Refusal {
  const word = verb === "get" ? "state_unreadable" : "state_unwritable";
  const cannot = `The connector's identity in ${place} cannot be ${verb === "get" ? "read" : "written"}`;
  const says = (why: string): Refusal => new Refusal(word, `${cannot}: ${why}.`, { cause: error });
  if (!(error instanceof ApiFailure)) throw error;
  if (error.is(403))
    return says(
      `give its ServiceAccount the right to ${verb} that Secret (the chart does, unless rbac.create is false)`,
    );
  if (error.is(404)) return says("there is no such Secret; the chart makes it, empty, or make it yourself");
  if (error.trouble === "no_identity") return says(String(error.evidence["trouble"] ?? "no identity"));
  const { endpoint = "the API server", trouble: what, status } = error.evidence;
  if (error.trouble === "refused") return says(`${endpoint} answered ${status}`);
  return says(`${endpoint}: ${what ?? "it did not answer in time"}`);
}
