import type { Clock } from "./clock.ts";
import { createNetwork } from "./dial/place.ts";
import { KubernetesApi } from "./kubernetes/api.ts";
import { ApiFailure } from "./kubernetes/api-failure.ts";
import { ownNamespace } from "./kubernetes/access.ts";
import { clusterLease } from "./kubernetes/lease.ts";
import { Leadership } from "./lease.ts";
import type { StateStore } from "./state.ts";
import { secretState } from "./state-secret.ts";

type OnAnswer = NonNullable<ConstructorParameters<typeof KubernetesApi>[0]["onAnswer"]>;
type Environment = Readonly<Record<string, string | undefined>>;

/** What a connector uses of the cluster that it runs in for itself: a place for its key, and a Lease to lead by. */
export class Cluster {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly #clock: Clock;

  /** `onAnswer` is told of each call, for metrics. */
  constructor(environment: Environment, clock: Clock, onAnswer?: OnAnswer) {
    const network = { ...createNetwork(environment, []), policy: () => undefined };
    const told = onAnswer === undefined ? {} : { onAnswer };
    this.api = new KubernetesApi({ clock, network, environment, ...told });
    this.namespace = ownNamespace(environment);
    this.#clock = clock;
  }

  state(name: string, signal: AbortSignal): StateStore {
    return secretState(this.api, { namespace: this.namespace, name }, signal);
  }

  leadership(name: string, holder: string, onTrouble: (says: string) => void): Leadership {
    const which = { namespace: this.namespace, name };
    return new Leadership({
      clock: this.#clock,
      random: Math.random,
      store: clusterLease(this.api, which),
      holder,
      onTrouble: seldom(
        this.#clock,
        (error) => leaseTrouble(error, `${which.namespace}/${which.name}`),
        onTrouble,
      ),
    });
  }

  async close(): Promise<void> {
    await this.api.close();
  }
}

/** A try comes every two seconds: the same words are told once in this time. Milliseconds. */
const SAME_MS = 60_000;

export function seldom(
  clock: Clock,
  wordsOf: (error: unknown) => string,
  tell: (says: string) => void,
): (error: unknown) => void {
  let told = { says: "", at: 0 };
  return (error) => {
    const [says, at] = [wordsOf(error), clock.tick()];
    if (told.says === says && at - told.at < SAME_MS) return;
    told = { says, at };
    tell(says);
  };
}

function leaseTrouble(error: unknown, name: string): string {
  const says = (why: string): string => `The Lease ${name} cannot be used: ${why}.`;
  if (!(error instanceof ApiFailure)) return says("it failed in a way that Mooring does not know");
  if (error.is(409)) return says("another replica was faster");
  if (error.is(403)) return says("give the ServiceAccount the rights get and update on that Lease");
  if (error.is(404)) return says("there is no such Lease; the chart makes it where replicaCount is above 1");
  const { endpoint = "the API server", trouble, status } = error.evidence;
  return says(
    `${endpoint}: ${trouble ?? (status === undefined ? "no answer in time" : `it answered ${status}`)}`,
  );
}
