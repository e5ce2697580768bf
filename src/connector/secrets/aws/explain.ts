import type { Evidence } from "../../../protocol/words.ts";
import type { Clock } from "../../clock.ts";
import { Failure } from "../../failure.ts";
import { arnOf } from "./arn.ts";
import { type Ask, type Asked, type Look, quietly } from "./asked.ts";
import { explainDenial, explainKey } from "./explain-denial.ts";
import { explainMissing } from "./explain-missing.ts";
import { isAboutKeys, keysRejected, throttled } from "./rejected.ts";
import type { AwsTrouble } from "./trouble.ts";

/** How long finding out why may take, milliseconds. */
const EXPLAIN_MS = 1500;

const KEY_CODES = new Set(["DecryptionFailure", "EncryptionFailure"]);

/** Names what AWS's answer means. Asks AWS itself where that tells more, for a short while. */
export async function explain(
  trouble: AwsTrouble,
  asked: Asked,
  ask: Ask,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Failure> {
  const known = knownOf(trouble, asked);
  const late = new AbortController();
  const done = new AbortController();
  void clock.sleep(EXPLAIN_MS, done.signal).then(() => done.signal.aborted || late.abort());
  try {
    const own = AbortSignal.any([signal, late.signal]);
    return named(trouble, asked, known) ?? (await looked(trouble, asked, { ask, known, signal: own }));
  } finally {
    done.abort();
  }
}

function knownOf({ code, endpoint }: AwsTrouble, { reference, region, identity }: Asked): Evidence {
  const account = arnOf(reference.id)?.account ?? String(identity["account"] ?? "");
  return { endpoint, code, region, account, identity: String(identity["identity"] ?? "") };
}

/** What needs no further look. */
function named(trouble: AwsTrouble, { identity }: Asked, known: Evidence): Failure | undefined {
  const { code, status, endpoint } = trouble;
  const slow = throttled(trouble);
  if (slow !== undefined) return slow;
  if (isAboutKeys(trouble)) return keysRejected(trouble, { ...identity, region: known["region"] ?? "" });
  if (status >= 500 || code === "" || code === "UnknownOperationException") {
    const evidence = { endpoint, status, ...(code === "" ? {} : { code }) };
    return new Failure("secret", "store_unreachable", evidence, trouble);
  }
  return undefined;
}

async function looked(trouble: AwsTrouble, asked: Asked, look: Look): Promise<Failure> {
  const { code } = trouble;
  if (KEY_CODES.has(code) || code.startsWith("KMS")) return await explainKey(trouble, asked, look);
  switch (code) {
    case "ResourceNotFoundException":
      return await explainMissing(trouble, asked, look);
    case "AccessDeniedException":
    case "AccessDenied":
      return await explainDenial(trouble, asked, look);
    case "InvalidRequestException":
      return await explainState(trouble, asked, look);
    case "InvalidParameterException":
    case "ValidationException":
      return new Failure(
        "secret",
        "secret_not_found",
        { ...look.known, badName: asked.reference.id },
        trouble,
      );
    default:
      return new Failure("secret", "unknown", { code }, trouble);
  }
}

/** A secret that is there and in no state to be read. */
async function explainState(trouble: AwsTrouble, asked: Asked, look: Look): Promise<Failure> {
  const description = asked.description ?? (await quietly(look.ask.describe(asked.region, look.signal)));
  const isDeleted = /delet/i.test(trouble.words()) || description?.DeletedDate !== undefined;
  if (!isDeleted) return new Failure("secret", "unknown", { code: trouble.code }, trouble);
  const at = description?.DeletedDate?.toISOString().replace(/\.\d{3}Z$/, "Z");
  const evidence = {
    disabledHow: "scheduled for deletion",
    ...(at === undefined ? {} : { deletionDate: at }),
  };
  return new Failure("secret", "secret_disabled", { ...look.known, ...evidence }, trouble);
}
