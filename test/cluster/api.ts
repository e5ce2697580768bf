/**
 * The api level: a real kube-apiserver on loopback, without a node. Ready in 4 s, about 350 MB.
 *
 *   await using api = await startApi();
 *   await api.kubectl(["apply", "-f", "-"], { stdin: manifest });
 *   const token = await api.serviceAccountToken("default", "reader");
 *
 * Enough for helm, RBAC, CRDs, Secrets, Leases, Events, TokenReview; Pods are stored and never run.
 * Several may run at once, each with its own directory and ports. Nothing is left when the test dies.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, freePort } from "../process/programs.ts";
import { whyNot } from "./binaries.ts";
import { type Client, clientOf } from "./client.ts";
import type { Server } from "./processes.ts";
import { caFile, type Place, prepare, startApiServer, startControllerManager, startEtcd } from "./servers.ts";

export interface ApiOptions {
  /** Also the controllers: default ServiceAccounts, garbage collection, a namespace that goes. Default true. */
  readonly controllerManager?: boolean;
}

export interface Api extends Client, AsyncDisposable {
  readonly directory: string;
  /** The servers by name, to stop one of them or to read its log. */
  readonly servers: readonly Server[];
  /** Ends all, by pid, and removes the directory. */
  stop(): Promise<void>;
}

/** Why the api level cannot run here, in a sentence; undefined where it can. */
export function canRunApi(): string | undefined {
  return whyNot("api");
}

export async function startApi({ controllerManager = true }: ApiOptions = {}): Promise<Api> {
  const directory = await mkdtemp(join(tmpdir(), "mooring-api-"));
  const servers: Server[] = [];
  const stop = async (): Promise<void> => {
    for (const server of servers.toReversed()) await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const [api, etcd, etcdPeers] = [await freePort(), await freePort(), await freePort()];
    const ports = { api, etcd, etcdPeers };
    const place: Place = { directory, address: "127.0.0.1", ports, serviceRange: "198.18.0.0/24", enter: [] };
    const tokens = await prepare(place);
    const client = clientOf(`https://127.0.0.1:${api}`, caFile(place), tokens.admin, directory);
    servers.push(await startEtcd(place));
    // Without it the server would announce 127.0.0.1 as the endpoint of its own Service, which is refused.
    servers.push(await startApiServer(place, client, ["--endpoint-reconciler-type", "none"]));
    if (controllerManager) {
      servers.push(await startControllerManager(place, tokens));
      await defaultAccount(client);
    }
    return { ...client, directory, servers, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The controllers are at work when the first ServiceAccount is there. */
async function defaultAccount(client: Client): Promise<void> {
  const path = "/api/v1/namespaces/default/serviceaccounts/default";
  const exists = async (): Promise<true | undefined> =>
    (await client.call("GET", path)).status === 200 || undefined;
  await eventually("the ServiceAccount default", exists, { ms: 60_000 });
}
