import { z } from "zod";
import { storeUrl } from "../dial/target-config.ts";
import { arnOf } from "./aws/arn.ts";
import { regionOf } from "./aws/region.ts";
import type { AwsStore } from "./aws/store.ts";
import type { SecretStoreType } from "./secret-store.ts";

const region = z
  .string("must be the name of a region, such as eu-central-1")
  .regex(/^[a-z]{2,8}(-[a-z]{2,12}){1,3}-\d{1,2}$/, "must be the name of a region, such as eu-central-1");

const secretId = z
  .string("must be the name or the ARN of a secret")
  .superRefine((text, context) => {
    const isName = /^[A-Za-z0-9/_+=.@!-]{1,512}$/.test(text);
    if (!isName && arnOf(text) === undefined)
      context.addIssue("must be the name or the ARN of a secret in AWS Secrets Manager");
  })
  .describe("name or ARN of the secret");

const ref = z
  .strictObject({
    id: secretId,
    region: region.optional().describe("the region, where it is not the store's"),
    version: z
      .string("must be the id of a version")
      .regex(/^[\w-]{1,64}$/, "must be the id of a version")
      .optional()
      .describe("id of one version; default: the one with the stage"),
    stage: z
      .string("must be a staging label")
      .regex(/^[\w+=,.@/-]{1,256}$/, "must be a staging label")
      .optional()
      .describe("staging label of a version; default AWSCURRENT"),
  })
  .superRefine(({ version, stage }, context) => {
    if (version !== undefined && stage !== undefined)
      context.addIssue({
        code: "custom",
        path: ["stage"],
        message: "stands beside version; keep one of them",
      });
  });

const config = z
  .strictObject({
    region: region
      .optional()
      .describe("the region of the secrets; default AWS_REGION, AWS_DEFAULT_REGION, the profile's"),
    regions: z
      .array(region, "must be a list of regions")
      .optional()
      .describe("other regions that are asked, by DescribeSecret, where a name is not found"),
    endpoint: storeUrl
      .optional()
      .describe("Secrets Manager's own URL, where it is not the region's public one"),
    roleArn: z
      .string("must be the ARN of a role")
      .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "must be the ARN of a role")
      .optional()
      .describe("a role that the connector's identity assumes, such as one of another account"),
    externalId: z
      .string("must be an external id")
      .regex(/^[\w+=,.@:/-]{2,1224}$/, "must be an external id")
      .optional()
      .describe("what the trust policy of roleArn demands as sts:ExternalId"),
    profile: z
      .string("must be the name of a profile")
      .min(1, "must be the name of a profile")
      .optional()
      .describe("a profile of the shared configuration and credentials files"),
  })
  .superRefine(({ roleArn, externalId }, context) => {
    if (externalId !== undefined && roleArn === undefined)
      context.addIssue({ code: "custom", path: ["externalId"], message: "is for roleArn, which is missing" });
  });

export type AwsRef = z.infer<typeof ref>;
export type AwsConfig = z.infer<typeof config>;

/** AWS Secrets Manager. */
export const aws: SecretStoreType<AwsRef, AwsConfig> = {
  type: "aws",
  summary: "AWS Secrets Manager: a JSON object, or plain text where the type takes one field.",
  builtIn: true,
  gate: "tag",
  ref,
  config,
  name: ({ id }) => id,
  facts: (reference, { environment }, settings) => {
    const { id, version, stage } = reference;
    const [gateKey = ""] = settings.optIn.keys;
    return {
      awsSecret: id,
      region: regionOf(reference, settings.config, environment) ?? "",
      gate: "tag",
      gateKey,
      awsVersion: version ?? "",
      awsStage: stage ?? "",
      account: arnOf(id)?.account ?? "",
    };
  },
  open: (settings, place) => {
    // The SDK is loaded by the first read, once.
    let loading: Promise<AwsStore> | undefined;
    const load = async (): Promise<AwsStore> =>
      new (await import("./aws/store.ts")).AwsStore(settings, place);
    return {
      read: async (reference, signal) => (await (loading ??= load())).read(reference, signal),
      close: async () => (await loading)?.close(),
    };
  },
};
