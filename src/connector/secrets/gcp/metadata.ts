import type { StoreAnswer } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import { ask, type Errand, nameOf, refused, SCOPE, type Token, tokenOf } from "./identity.ts";
import { podAccount } from "./subject.ts";
import { within } from "./within.ts";

/** An address, not a name: it works where DNS does not. */
const HOST = "169.254.169.254";
/** It stands on the node itself. Milliseconds. */
const METADATA_MS = 3000;

export interface MetadataPlace {
  /** GCE_METADATA_HOST: another `host` or `host:port`. */
  readonly host: string | undefined;
  /** The pod's own token: its subject names the Kubernetes ServiceAccount. */
  readonly podTokenFile: string;
}

interface Who {
  readonly identity: string;
  readonly account?: string;
  readonly member?: string;
}

/**
 * The metadata server of a Google machine or, in GKE, of the node:
 * https://cloud.google.com/compute/docs/metadata/overview, and workload identity,
 * https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
 */
export async function tokenByMetadata(place: MetadataPlace, errand: Errand): Promise<Token> {
  const base = baseOf(place.host);
  const bounds = { clock: errand.clock, ms: METADATA_MS, signal: errand.signal };
  return await within(bounds, (signal) => obtain({ base, place, errand: { ...errand, signal } }));
}

interface Asked {
  readonly base: URL;
  readonly place: MetadataPlace;
  readonly errand: Errand;
}

async function obtain(asked: Asked): Promise<Token> {
  const email = await get(asked, "instance/service-accounts/default/email");
  if (email.status === 404) {
    const trouble = `the metadata server at ${nameOf(asked.base)} has no service account for it`;
    throw refused({ trouble, noAccount: nameOf(asked.base) });
  }
  if (email.status !== 200) throw unnamed(asked, email.status);
  const who = await whoIs(email.body.toString().trim(), asked);
  const answer = await get(
    asked,
    `instance/service-accounts/default/token?scopes=${encodeURIComponent(SCOPE)}`,
  );
  if (answer.status === 200) return tokenOf(answer, { clock: asked.errand.clock, who: { ...who } });
  const { account = "", identity } = who;
  if (answer.status === 403 && account !== "") {
    const pod = await podMember(asked);
    const by =
      pod === undefined ? "the pod's Kubernetes ServiceAccount" : `Kubernetes ServiceAccount ${pod.name}`;
    const trouble = `${by} is not allowed to act as it, or there is no such account (403)`;
    throw refused({ ...who, trouble, unbound: account, podMember: pod?.member ?? "", code: "403" });
  }
  throw refused({ ...who, identity, trouble: `the metadata server gives it no token (${answer.status})` });
}

/** Google's own says so in a header: what else listens there (another cloud's) is none. */
async function get(asked: Asked, path: string): Promise<StoreAnswer> {
  const { base, errand } = asked;
  const headers = { "metadata-flavor": "Google" };
  let answer: StoreAnswer;
  try {
    answer = await ask(errand, { method: "GET", url: new URL(path, base), headers });
  } catch (error) {
    throw none(base, error);
  }
  if (answer.headers["metadata-flavor"]?.toLowerCase() !== "google") throw none(base, undefined);
  return answer;
}

/** Nothing says who we are, unless what stands there says that it fails. */
function none(base: URL, error: unknown): unknown {
  const failure = error instanceof Failure ? error : undefined;
  if (error !== undefined && failure === undefined) return error;
  if (failure?.reason === "store_rate_limited" || failure?.evidence["status"] !== undefined) return error;
  const silence = failure?.evidence["trouble"] ?? "it does not answer";
  const why = failure === undefined ? "what answers there is not Google's" : silence;
  const trouble = `no credentials file is named, and no metadata server is at ${nameOf(base)}: ${why}`;
  return refused({ trouble, noMetadata: nameOf(base) }, error);
}

function unnamed({ base }: Asked, status: number): Failure {
  return refused({
    trouble: `the metadata server at ${nameOf(base)} answered ${status}`,
    noAccount: nameOf(base),
  });
}

/**
 * A service account's e-mail, or in GKE the name of the workload pool: then the pod is a principal of its own.
 */
async function whoIs(text: string, asked: Asked): Promise<Who> {
  if (/^[\w.+-]{1,100}@[\w.-]{1,200}$/.test(text))
    return { identity: text, account: text, member: `serviceAccount:${text}` };
  if (!/^[\w.:-]{1,100}\.svc\.id\.goog$/.test(text))
    return { identity: "the account of the metadata server" };
  const pod = await podAccount(asked.place.podTokenFile);
  const number = await wordOf(asked, "project/numeric-project-id");
  if (pod === undefined || number === "") return { identity: `a workload of ${text}` };
  const subject = `ns/${pod.namespace}/sa/${pod.name}`;
  const pool = `projects/${number}/locations/global/workloadIdentityPools/${text}`;
  const identity = `Kubernetes ServiceAccount ${pod.namespace}/${pod.name} of ${text}`;
  return { identity, member: `principal://iam.googleapis.com/${pool}/subject/${subject}` };
}

/** The pod as a service account's policy writes it. */
async function podMember(asked: Asked): Promise<{ name: string; member: string } | undefined> {
  const pod = await podAccount(asked.place.podTokenFile);
  const project = await wordOf(asked, "project/project-id");
  if (pod === undefined || project === "") return undefined;
  const member = `serviceAccount:${project}.svc.id.goog[${pod.namespace}/${pod.name}]`;
  return { name: `${pod.namespace}/${pod.name}`, member };
}

async function wordOf(asked: Asked, path: string): Promise<string> {
  const answer = await get(asked, path);
  const text = answer.body.toString().trim();
  return answer.status === 200 && /^[\w.:-]{1,100}$/.test(text) ? text : "";
}

function baseOf(host: string | undefined): URL {
  const named = `http://${host ?? HOST}/computeMetadata/v1/`;
  if (URL.canParse(named)) return new URL(named);
  throw refused({ trouble: "GCE_METADATA_HOST is not a host, or a host and a port" });
}
