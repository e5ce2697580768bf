import type { DescribeSecretResponse, GetSecretValueResponse } from "@aws-sdk/client-secrets-manager";
import { Failure } from "../../failure.ts";
import type { Secret } from "../secret-store.ts";

const CURRENT = "AWSCURRENT";

/** A value as AWS gives it. `describe` is asked only where the reference pins a version that is not current. */
export async function secretOf(
  value: GetSecretValueResponse,
  { version }: { readonly version?: string | undefined },
  describe: () => Promise<DescribeSecretResponse | undefined>,
): Promise<Secret> {
  const { VersionId, CreatedDate, VersionStages = [] } = value;
  const isOld = version !== undefined && !VersionStages.includes(CURRENT);
  return {
    text: textOf(value),
    ...(VersionId === undefined ? {} : { version: VersionId }),
    ...(CreatedDate === undefined ? {} : { createdAt: CreatedDate.getTime() }),
    ...(isOld ? { newerVersion: currentOf(await describe()) ?? `the one with the label ${CURRENT}` } : {}),
  };
}

function textOf({ SecretString, SecretBinary }: GetSecretValueResponse): string {
  if (SecretString !== undefined) return SecretString;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(SecretBinary);
  } catch {
    const trouble = "it is binary, and not UTF-8";
    throw new Failure("secret", "secret_unparsable", { form: "text", trouble, example: "a SecretString" });
  }
}

/** The id of the version that has the label AWSCURRENT. */
export function currentOf(description: DescribeSecretResponse | undefined): string | undefined {
  return Object.entries(description?.VersionIdsToStages ?? {}).find(([, stages]) =>
    stages.includes(CURRENT),
  )?.[0];
}
