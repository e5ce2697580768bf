import { randomBytes } from "node:crypto";
import { aws, type AwsConfig, type AwsRef } from "../../../src/connector/secrets/aws.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { place } from "../../fake/secret.ts";
import { lookFor, type Wish } from "../row.ts";
import { type FakeAws, value } from "./fake-aws.ts";

/** Texts that must be in nothing that is told. */
export function canary(kind: string): string {
  return `canary-${kind}-${randomBytes(12).toString("hex")}`;
}

export const USERNAME = canary("user");
export const PASSWORD = canary("password");
/** A value that works. */
export const GOOD = value(JSON.stringify({ username: USERNAME, password: PASSWORD }));

/** The keys of the environment in every look that does not say otherwise. */
export const KEYS = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7WXYZ",
  AWS_SECRET_ACCESS_KEY: canary("secret-key"),
  AWS_EC2_METADATA_DISABLED: "true",
  HOME: "/nonexistent",
};

export const SESSION_TOKEN = canary("session");

export interface Look extends Partial<Omit<Wish<AwsRef, AwsConfig>, "type" | "config" | "place">> {
  readonly config?: Readonly<Record<string, unknown>>;
  /** Instead of the keys. */
  readonly environment?: Record<string, string>;
}

/** A look at one secret of a fake AWS. */
export function lookAt(fake: Pick<FakeAws, "url">, look: Look = {}): Promise<Report> {
  const { environment = KEYS, config = {}, ref = { id: "prod/orders-db" }, canaries = [], ...rest } = look;
  return lookFor({
    type: aws,
    ref,
    config: { region: "eu-central-1", endpoint: fake.url, ...config },
    place: place({ AWS_ENDPOINT_URL_STS: fake.url, ...environment }),
    canaries: [
      USERNAME,
      PASSWORD,
      SESSION_TOKEN,
      KEYS.AWS_SECRET_ACCESS_KEY,
      KEYS.AWS_ACCESS_KEY_ID,
      ...canaries,
    ],
    ...rest,
  });
}
