import process from "node:process";
import type { SecretItem } from "../protocol/secret-frames.ts";
import type { Report } from "../protocol/report.ts";
import { type Api, API_FLAGS, apiOf } from "./api.ts";
import { type Command, type Given, Refused, UsageError } from "./command.ts";
import { letter } from "./letter.ts";
import { paintFor } from "./paint.ts";
import { table } from "./status-table.ts";
import { watch } from "./watch.ts";

/** A connector as the API shows it. */
export interface ConnectorStatus {
  readonly name: string;
  readonly state: string;
  /** What is wrong with it, also where it is connected: config_invalid and its like. */
  readonly reason: string | null;
  readonly message: string;
  readonly cause: string | null;
  readonly since: string | null;
  readonly lastHeartbeatAt: string | null;
  readonly remedy: Report["remedy"];
  readonly integrations: Readonly<Record<"online" | "warning" | "error" | "unknown", number>>;
}

/** An integration as the API shows it. */
export interface IntegrationStatus extends Report {
  readonly connector: string;
  readonly since: string | null;
  readonly lastKnown: { readonly state: string; readonly reason: string | null; readonly at: string } | null;
}

/** A secret as the API shows it. */
export interface SecretStatus extends SecretItem {
  readonly connector: string;
}

export interface Picture {
  readonly connectors: readonly ConnectorStatus[];
  readonly integrations: readonly IntegrationStatus[];
  readonly secrets: readonly SecretStatus[];
}

export const status: Command = {
  name: "status",
  usage: "status [CONNECTOR[/INTEGRATION]] [--watch] [--json]",
  says: "Shows what the control plane knows. Ends with 1 unless everything shown is online or a warning, and every connector is connected without a trouble of its own.",
  flags: {
    ...API_FLAGS,
    watch: { says: "show it again at every change, until interrupted" },
    json: { says: "print it as JSON" },
  },
  args: [0, 1],
  async run(given) {
    const api = await apiOf("status", given);
    const place = placeOf("status", given.args[0]);
    const look = (): Promise<number> => show(api, place, given);
    return given.isSet("watch") ? watch(api, look) : look();
  },
};

/** What a CONNECTOR[/INTEGRATION] argument names. Throws UsageError. */
export function placeOf(
  command: string,
  text: string | undefined,
): { connector?: string; integration?: string } {
  if (text === undefined) return {};
  const [connector = "", integration, ...rest] = text.split("/");
  if (connector === "" || integration === "" || rest.length > 0) {
    throw new UsageError(
      `mooring ${command}: "${text}" is not a place; write CONNECTOR or CONNECTOR/INTEGRATION`,
    );
  }
  return integration === undefined ? { connector } : { connector, integration };
}

/** A name that the control plane does not know is wrong use. */
export async function known<T>(asking: Promise<T>, place: string): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 404) throw error;
    throw new UsageError(`There is no ${place}; mooring status shows what there is`);
  }
}

async function show(api: Api, place: ReturnType<typeof placeOf>, given: Given): Promise<number> {
  const picture = await lookAt(api, place);
  const paint = paintFor(process.stdout, process.env);
  if (given.isSet("json"))
    process.stdout.write(`${JSON.stringify(picture, null, given.isSet("watch") ? 0 : 2)}\n`);
  else if (place.integration === undefined) process.stdout.write(table(picture, paint));
  else process.stdout.write(picture.integrations.map((one) => letter(one, paint)).join(""));
  return codeOf(picture);
}

/** 0 where everything in it is online or a warning, and its connectors are connected without a trouble. */
export function codeOf({ connectors, integrations }: Picture): number {
  const well = integrations.every(({ state }) => state === "online" || state === "warning");
  return well && connectors.every(({ state, reason }) => state === "connected" && reason === null) ? 0 : 1;
}

/** What the API shows of a place. Throws UsageError where there is none such. */
export async function lookAt(
  api: Api,
  { connector, integration }: ReturnType<typeof placeOf>,
): Promise<Picture> {
  if (connector === undefined) {
    const [connectors, integrations, secrets] = await Promise.all([
      all<ConnectorStatus>(api, "/api/v1/connectors?limit=500"),
      all<IntegrationStatus>(api, "/api/v1/integrations?limit=500"),
      all<SecretStatus>(api, "/api/v1/secrets?limit=500"),
    ]);
    return { connectors, integrations, secrets };
  }
  const name = encodeURIComponent(connector);
  if (integration !== undefined) {
    const path = `/api/v1/integrations/${name}/${encodeURIComponent(integration)}`;
    const one = await known(api.get(path), `integration ${connector}/${integration}`);
    return { connectors: [], integrations: [one as IntegrationStatus], secrets: [] };
  }
  const one = (await known(
    api.get(`/api/v1/connectors/${name}`),
    `connector ${connector}`,
  )) as ConnectorStatus;
  return {
    connectors: [one],
    integrations: await all(api, `/api/v1/integrations?connector=${name}&limit=500`),
    secrets: await all(api, `/api/v1/secrets?connector=${name}&limit=500`),
  };
}

/** Every page of a list. */
async function all<T>(api: Api, path: string): Promise<T[]> {
  const items: T[] = [];
  let next: string | null = "";
  while (next !== null) {
    const cursor = next === "" ? "" : `&cursor=${encodeURIComponent(next)}`;
    const page = (await api.get(`${path}${cursor}`)) as { items: T[]; next: string | null };
    items.push(...page.items);
    next = page.next;
  }
  return items;
}
