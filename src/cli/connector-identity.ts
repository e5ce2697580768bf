import { readFile } from "node:fs/promises";
import process from "node:process";
import { type Api, API_FLAGS, apiOf } from "./api.ts";
import { type Command, type Given, UsageError } from "./command.ts";

const PATH = "/api/v1/connector-identities";
const FORMS = "connector-identity add NAME, connector-identity list, or connector-identity remove ID";
/** As the API takes bodies. */
const MOST_CHARACTERS = 60_000;

interface Shown {
  readonly id: string;
  readonly connector: string;
  readonly issuer: string;
  readonly subject: string;
  readonly review: boolean;
  readonly keys: readonly string[];
  readonly audience: string;
  readonly usedAt: string | null;
}

export const connectorIdentity: Command = {
  name: "connector-identity",
  usage: "connector-identity add NAME | list | remove ID [--json]",
  says: "Lets a Kubernetes ServiceAccount enrol as connector NAME, without a join token. add NAME --issuer URL (--jwks-file FILE | --token-review) --service-account NAMESPACE/NAME: again for the same connector and account replaces what was registered. remove ID: it enrols no more.",
  flags: {
    ...API_FLAGS,
    issuer: {
      value: "URL",
      says: "add: the cluster's issuer, as kubectl get --raw /.well-known/openid-configuration has it",
    },
    "jwks-file": {
      value: "FILE",
      says: "add: the cluster's public keys, by kubectl get --raw /openid/v1/jwks",
    },
    "token-review": {
      says: "add: in place of --jwks-file, where the control plane runs in that cluster: it asks there",
    },
    "service-account": { value: "NAMESPACE/NAME", says: "add: the connector's ServiceAccount" },
    json: { says: "print what the API answers as JSON" },
  },
  args: [1, 2],
  async run(given) {
    const [verb = "", name] = given.args;
    if (verb === "list" && name === undefined) return list(await apiOf("connector-identity", given), given);
    if (verb === "remove" && name !== undefined)
      return remove(await apiOf("connector-identity", given), name);
    if (verb === "add" && name !== undefined) return add(given, name);
    throw wrong(`write mooring ${FORMS}`);
  },
};

function wrong(text: string): UsageError {
  return new UsageError(`mooring connector-identity: ${text}`);
}

async function add(given: Given, connector: string): Promise<number> {
  const body = {
    connector,
    issuer: needed(given, "issuer", "URL"),
    subject: subjectOf(given),
    ...(await keysOf(given)),
  };
  const api = await apiOf("connector-identity", given);
  const made = (await api.post(PATH, body)) as Shown;
  process.stdout.write(given.isSet("json") ? json(made) : `${made.id}\n`);
  if (!given.isSet("json"))
    process.stderr.write(
      `${accountOf(made)} of ${made.issuer} may enrol as connector ${connector}, by tokens for ${made.audience}.\n`,
    );
  return 0;
}

function needed(given: Given, flag: string, value: string): string {
  const text = given.flag(flag);
  if (text === undefined) throw wrong(`--${flag} is missing; write --${flag} ${value}`);
  return text;
}

function subjectOf(given: Given): string {
  const text = needed(given, "service-account", "NAMESPACE/NAME");
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined)
    throw wrong(`--service-account ${text} is not NAMESPACE/NAME; write mooring/mooring-connector`);
  return `system:serviceaccount:${namespace}:${name}`;
}

async function keysOf(given: Given): Promise<{ jwks: unknown } | { review: true }> {
  const file = given.flag("jwks-file");
  const review = given.isSet("token-review");
  if ((file === undefined) !== review)
    throw wrong("name one of --jwks-file FILE (any cluster) and --token-review (the control plane's own)");
  if (file === undefined) return { review: true };
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw wrong(
      `--jwks-file ${file} cannot be read (${error.code ?? "unknown"}); name a file that this user can read`,
    );
  });
  try {
    if (text.length <= MOST_CHARACTERS) return { jwks: JSON.parse(text) };
  } catch {
    // Told below, without what is in it.
  }
  throw wrong(`--jwks-file ${file} is no JSON Web Key Set; make it with kubectl get --raw /openid/v1/jwks`);
}

async function list(api: Api, given: Given): Promise<number> {
  const items: Shown[] = [];
  let next: string | null = "";
  while (next !== null) {
    const page = (await api.get(
      `${PATH}?limit=500${next === "" ? "" : `&cursor=${encodeURIComponent(next)}`}`,
    )) as {
      items: Shown[];
      next: string | null;
    };
    items.push(...page.items);
    next = page.next;
  }
  if (given.isSet("json")) process.stdout.write(json({ items }));
  else process.stdout.write(items.length === 0 ? "No ServiceAccount is registered.\n" : table(items));
  return 0;
}

async function remove(api: Api, id: string): Promise<number> {
  await api.delete(`${PATH}/${encodeURIComponent(id)}`);
  return 0;
}

function table(items: readonly Shown[]): string {
  const head = ["ID", "CONNECTOR", "SERVICE ACCOUNT", "JUDGED BY", "LAST ENROLLED", "ISSUER"];
  const rows = items.map((item) => [
    item.id,
    item.connector,
    accountOf(item).replace("ServiceAccount ", ""),
    item.review ? "token review" : `keys ${item.keys.map((kid) => kid.slice(0, 8)).join(" ")}`,
    item.usedAt ?? "never",
    item.issuer,
  ]);
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  return `${[head, ...rows].map(line).join("\n")}\n`;
}

function accountOf({ subject }: Shown): string {
  return `ServiceAccount ${subject.replace("system:serviceaccount:", "").replace(":", "/")}`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
