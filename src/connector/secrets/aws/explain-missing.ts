import type { DescribeSecretResponse, SecretListEntry } from "@aws-sdk/client-secrets-manager";
import { Failure } from "../../failure.ts";
import { nearNames } from "../../nearest.ts";
import { arnOf, nameOf } from "./arn.ts";
import { type Asked, type Look, quietly } from "./asked.ts";
import { regionThatHas } from "./elsewhere.ts";
import type { AwsTrouble } from "./trouble.ts";

/** What AWS lets a secret be called: nothing else is repeated. */
const NAME = /^[A-Za-z0-9/_+=.@!-]{1,512}$/;

/** So many pages of a hundred names are looked through; in a larger account its words are searched for as well. */
const PAGES = 3;

/** A secret, a version or a label of it that is not there. */
export async function explainMissing(trouble: AwsTrouble, asked: Asked, look: Look): Promise<Failure> {
  // "… can't find the specified secret value for staging label: X", "… for VersionId: X"; else the secret itself.
  const ofValue = /secret value/i.test(trouble.words());
  const described = await describedFor(asked, look, ofValue);
  if (ofValue || described !== undefined) return missingVersion(trouble, asked, look, described);
  const [elsewhere, near] = await Promise.all([regionThatHas(asked, look), nearOf(asked, look)]);
  const known = { ...look.known, ...prefixOf(asked.reference.id) };
  if (elsewhere !== undefined)
    return new Failure("secret", "secret_region_mismatch", { ...known, actualRegion: elsewhere }, trouble);
  const [nearFirst = ""] = near;
  return new Failure("secret", "secret_not_found", { ...known, near: near.join(", "), nearFirst }, trouble);
}

/** The secret itself, where one version of it may be all that is missing. */
async function describedFor(
  { reference, region, description }: Asked,
  { ask, signal }: Look,
  ofValue: boolean,
): Promise<DescribeSecretResponse | undefined> {
  const asksVersion = reference.version !== undefined || reference.stage !== undefined;
  if (description !== undefined || !(ofValue || asksVersion)) return description;
  return await quietly(ask.describe(region, signal));
}

function missingVersion(
  trouble: AwsTrouble,
  { reference, region }: Asked,
  look: Look,
  described: DescribeSecretResponse | undefined,
): Failure {
  const stages = described === undefined ? "" : stagesOf(described).join(", ");
  const what =
    reference.version !== undefined
      ? { missingVersion: reference.version }
      : reference.stage !== undefined
        ? { missingStage: reference.stage }
        : { valuelessIn: region };
  return new Failure("secret", "secret_not_found", { ...look.known, ...what, stages }, trouble);
}

function stagesOf({ VersionIdsToStages = {} }: DescribeSecretResponse): string[] {
  const labels = new Set(Object.values(VersionIdsToStages).flat());
  return [...labels].filter((label) => /^[\w+=,.@/-]{1,256}$/.test(label)).toSorted();
}

/** The nearest names that may be listed; of an ARN the nearest ARNs of its account. */
async function nearOf({ reference: { id } }: Asked, look: Look): Promise<string[]> {
  const entries = await listed(id, look);
  const arn = arnOf(id);
  const same = (entry: SecretListEntry): boolean =>
    NAME.test(entry.Name ?? "") && (arn === undefined || arnOf(entry.ARN ?? "")?.account === arn.account);
  const byName = new Map(
    entries.filter(same).flatMap((entry) => (entry.Name === undefined ? [] : [[entry.Name, entry]])),
  );
  const name = nameOf(id);
  const near = nearNames(name, [...byName.keys()]);
  return arn === undefined ? near : [name, ...near].flatMap((one) => byName.get(one)?.ARN ?? []).slice(0, 3);
}

async function listed(id: string, { ask, signal }: Look): Promise<SecretListEntry[]> {
  const found: SecretListEntry[] = [];
  let after: string | undefined;
  for (let page = 0; page < PAGES; page += 1) {
    const answer = await quietly(ask.list({ after }, signal));
    if (answer === undefined) return found;
    found.push(...(answer.SecretList ?? []));
    after = answer.NextToken;
    if (after === undefined) return found;
  }
  const words = nameOf(id)
    .match(/[A-Za-z0-9]{3,}/g)
    ?.slice(0, 3);
  const searched = words === undefined ? undefined : await quietly(ask.list({ words }, signal));
  return [...found, ...(searched?.SecretList ?? [])];
}

/** What the steps speak of: the beginning of the name, as `aws secretsmanager list-secrets` may filter by. */
function prefixOf(id: string): { namePrefix: string; elsewhere: string } {
  const prefix = /^\/?[A-Za-z0-9]{1,64}/.exec(nameOf(id))?.[0];
  // An ARN names its region itself.
  return { namePrefix: prefix ?? "", elsewhere: arnOf(id) === undefined ? id : "" };
}
