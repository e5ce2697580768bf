import { Failure } from "../../failure.ts";
import type { ApiFailure } from "../../kubernetes/api-failure.ts";
import { isRefusal } from "../../kubernetes/api-failure.ts";
import type { Selection } from "../../kubernetes/api.ts";
import { namesOnly, NAMESPACES, type Resource, type Where } from "../../kubernetes/resource.ts";
import { nearest } from "../../nearest.ts";
import { aside, type Asking } from "./asking.ts";
import { SECRETS } from "./shape.ts";

/** Their metadata alone: no value is asked for. */
const SECRET_NAMES = namesOnly(SECRETS);
/** As many names are looked through. */
const MOST_NAMES = 500;

/** A Secret that is not there: is its namespace, and which names are near, as far as we may see it anyway. */
export async function whyMissing(asking: Asking, failure: ApiFailure): Promise<Failure> {
  const { at } = asking;
  const { endpoint = "" } = failure.evidence;
  const [namespace, near, elsewhere] = await Promise.all([
    namespaceOf(asking),
    nearestOf(asking, SECRET_NAMES, { namespace: at.namespace }, at.name),
    elsewhereOf(asking),
  ]);
  return new Failure("secret", "secret_not_found", { endpoint, near, elsewhere, ...namespace }, failure);
}

/** What is known of the namespace: `noNamespace`, `seenNamespace`, or nothing. */
export async function namespaceOf(asking: Asking): Promise<Record<string, string>> {
  const { namespace } = asking.at;
  try {
    await asking.api.get(NAMESPACES, { name: namespace }, aside(asking));
    return { seenNamespace: namespace };
  } catch (error) {
    if (!isRefusal(error, 404)) return {};
    return { noNamespace: namespace, nearNamespace: await nearestOf(asking, NAMESPACES, {}, namespace) };
  }
}

type Names = Resource<{ metadata: { name: string; namespace: string } }>;

async function nearestOf(asking: Asking, of: Names, where: Where, name: string): Promise<string> {
  const found = await namesOf(asking, of, where);
  return (
    nearest(
      name,
      found.map((one) => one.name),
    ) ?? ""
  );
}

/** The namespaces that have a Secret of this name. */
async function elsewhereOf(asking: Asking): Promise<string> {
  const selection = { fieldSelector: `metadata.name=${asking.at.name}` };
  const found = await namesOf(asking, SECRET_NAMES, {}, selection);
  return found
    .map(({ namespace }) => namespace)
    .slice(0, 3)
    .join(", ");
}

/** Their names, where we may list them anyway; none where not, or where it fails: they are no more than a hint. */
async function namesOf(
  asking: Asking,
  of: Names,
  where: Where,
  selection: Selection = {},
): Promise<readonly { name: string; namespace: string }[]> {
  const options = aside(asking);
  try {
    const { allowed } = await asking.api.may({ verb: "list", resource: of, ...where }, options);
    if (!allowed) return [];
    for await (const { items } of asking.api.list(of, where, { ...options, limit: MOST_NAMES, ...selection }))
      return items.map(({ metadata }) => metadata);
    return [];
  } catch {
    return [];
  }
}
