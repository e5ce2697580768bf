import { Failure } from "../../failure.ts";
import { agentKeys, askAgent } from "./agent-keys.ts";
import type { IdentitySource, Keys } from "./identity.ts";
import { noIdentity } from "./rejected.ts";
import type { Environment, SourceParts } from "./sources.ts";

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html (version 2 alone) */
const IPV4 = "http://169.254.169.254";
const IPV6 = "http://[fd00:ec2::254]";
const ROLES = "/latest/meta-data/iam/security-credentials/";
const GIVER = "the instance metadata service";

/** How long the service may take for its first word, milliseconds: elsewhere than on EC2 nobody answers. */
const FIRST_WORD_MS = 1000;

/** The keys of the machine's own role; undefined where it is switched off or no such service is there. */
export async function instanceSource(
  parts: SourceParts,
  signal: AbortSignal,
): Promise<IdentitySource | undefined> {
  const { environment, clock } = parts;
  if (environment["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true") return undefined;
  const base = baseOf(environment);
  const done = new AbortController();
  const late = new AbortController();
  void clock.sleep(FIRST_WORD_MS, done.signal).then(() => done.signal.aborted || late.abort());
  let token: string | undefined;
  try {
    token = await tokenFrom(parts, base, AbortSignal.any([signal, late.signal]));
  } catch (error) {
    // Nobody there is no trouble of its own: that nothing gives an identity is told.
    if (error instanceof Failure) return undefined;
    throw error;
  } finally {
    done.abort();
  }
  const told = { identity: "the instance's role", instanceMetadata: base };
  return { told, fetch: (context) => keysFrom(parts, { base, token }, context.signal) };
}

function baseOf(environment: Environment): string {
  const named = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "";
  if (URL.canParse(named)) return new URL(named).origin;
  return environment["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"]?.toLowerCase() === "ipv6" ? IPV6 : IPV4;
}

async function tokenFrom(
  { near }: SourceParts,
  base: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": "21600" };
  const answer = await near.request(
    { method: "PUT", url: new URL("/latest/api/token", base), headers },
    signal,
  );
  return answer.status === 200 ? answer.body.toString("utf8") : undefined;
}

interface Session {
  readonly base: string;
  readonly token: string | undefined;
}

async function keysFrom({ near }: SourceParts, { base, token }: Session, signal: AbortSignal): Promise<Keys> {
  const told = { identity: "the instance's role", instanceMetadata: base };
  if (token === undefined) throw noIdentity({ ...told, noSession: base }, `${GIVER} gives no session token`);
  const headers = { "x-aws-ec2-metadata-token": token };
  const asked = { near, told, giver: GIVER };
  const roles = await askAgent(asked, { method: "GET", url: new URL(ROLES, base), headers }, signal);
  const role = roles.body.toString("utf8").split("\n")[0]?.trim() ?? "";
  if (roles.status === 404 || role === "")
    throw noIdentity({ ...told, noInstanceRole: base }, "the instance has no role");
  if (roles.status !== 200) throw noIdentity(told, `${GIVER} answered ${roles.status}`);
  const named = /^[\w+=,.@-]{1,64}$/.test(role)
    ? { ...told, identity: `the instance's role ${role}`, roleName: role }
    : told;
  const url = new URL(encodeURIComponent(role), new URL(ROLES, base));
  const answer = await askAgent({ ...asked, told: named }, { method: "GET", url, headers }, signal);
  if (answer.status !== 200) throw noIdentity(named, `${GIVER} answered ${answer.status}`);
  return agentKeys(answer, named, GIVER);
}
