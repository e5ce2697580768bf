import type { Step } from "../reasons.ts";
import type { StoreWords } from "./store-words.ts";

const versions =
  "aws secretsmanager list-secret-version-ids --secret-id {awsSecret} --include-deprecated --region {region}";
const describe = "aws secretsmanager describe-secret --secret-id {awsSecret} --region {region}";
const resourcePolicy = "aws secretsmanager get-resource-policy --secret-id {awsSecret} --region {region}";
const tagIt =
  "aws secretsmanager tag-resource --secret-id {awsSecret} --tags Key={gateKey},Value=true --region {region}";
const boundary = "aws iam get-role --role-name {roleName} --query Role.PermissionsBoundary";
const trustPolicy = "aws iam get-role --role-name {roleName} --query Role.AssumeRolePolicyDocument";
const policiesOf = "aws organizations list-policies-for-target --target-id {account} --filter";
const endpointsOf =
  "aws ec2 describe-vpc-endpoints --region {region} --filters Name=service-name,Values=com.amazonaws.{region}";
const simulate =
  "aws iam simulate-principal-policy --policy-source-arn {awsRole} --resource-arns {secretArn} --action-names";
const withTag =
  "--context-entries ContextKeyName=secretsmanager:ResourceTag/{gateKey},ContextKeyValues=true,ContextKeyType=string";

const reachIt: readonly (Step | readonly Step[])[] = [
  {
    text: "If {askedCa} has a certificate of your own authority, name its PEM file as ca in the config of the store {store}.",
  },
  {
    text: "Try {unreached} from where the connector runs.",
    command: "curl -sv -o /dev/null https://{unreached}/",
  },
  {
    text: "A network that does not lead to {unreached} needs a VPC endpoint for Secrets Manager: see whether there is one.",
    command: `${endpointsOf}.secretsmanager`,
  },
];

/** AWS Secrets Manager. */
export const AWS: StoreWords = {
  secret_not_found: {
    says: [
      "AWS takes {badName} with the version {awsVersion} for no secret's name and version ({code}).",
      "AWS does not take {badName} for the name of a secret ({code}).",
      "Secret {secret} in {region} has no version {missingVersion}.",
      "Secret {secret} in {region} has no version with the staging label {missingStage}; the labels are {stages}.",
      "Secret {secret} in {region} has no version with the staging label {missingStage}.",
      "Secret {secret} is in {valuelessIn}, but has no value yet.",
      "There is no secret {awsSecret} in {region} of account {account}; near it: {near}.",
      "There is no secret {awsSecret} in {region}; near it: {near}.",
      "There is no secret {awsSecret} in {region} of account {account}.",
      "There is no secret {awsSecret} in {region}.",
    ],
    remedy: [
      { text: "Correct secret.id of {integration}: {badName} is not the name or the ARN of a secret." },
      {
        text: "See which versions there are, then correct secret.version of {integration} ({missingVersion}) or leave it out.",
        command: versions,
      },
      {
        text: "See which version has which label, then correct secret.stage of {integration} or give {missingStage} to a version.",
        command: versions,
      },
      {
        text: "Give it a first value in {valuelessIn}: value.json is a file with it.",
        command:
          "aws secretsmanager put-secret-value --secret-id {awsSecret} --secret-string file://value.json --region {region}",
      },
      {
        text: "If {nearFirst} is meant, set secret.id of {integration} to that.",
        command: "aws secretsmanager describe-secret --secret-id {nearFirst} --region {region}",
      },
      {
        text: "See which secrets {region} has by that name.",
        command:
          "aws secretsmanager list-secrets --filters Key=name,Values={namePrefix} --query 'SecretList[].Name' --region {region}",
      },
      {
        text: "If {elsewhere} is in another region, set secret.region of {integration}; regions that are listed under regions in the config of the store {store} are asked by the connector itself.",
      },
    ],
  },
  secret_forbidden: {
    says: [
      "The connector looks at the tags of secret {secret} before it reads it, and AWS does not let {identity} do that ({gateAction}): {deniedHow}.",
      "The connector looks at the tags of secret {secret} before it reads it, and AWS does not let {identity} do that ({gateAction}).",
      "AWS does not let {identity} read secret {secret} ({action}): {deniedHow}, or one allows it for secrets with the tag {maybeTag}: true alone.",
      "AWS does not let {identity} read secret {secret} ({action}): the right is missing, or is for secrets with the tag {maybeTag}: true alone.",
      "AWS does not let {identity} read secret {secret} ({action}): {deniedHow}.",
      "AWS does not let {identity} read secret {secret} ({action}).",
    ],
    remedy: [
      [
        {
          text: "Allow {missingInIdentity} on it in a policy of {who}; this shows what its policies say.",
          command: `${simulate} {missingInIdentity}`,
        },
        { text: "Allow {missingInIdentity} on it in a policy of {who}." },
        {
          text: "Take the deny of {forbiddenByIdentity} out of the policies of {who}, or except secret {secret}.",
          command: `${simulate} {forbiddenByIdentity}`,
        },
        {
          text: "Take the deny of {forbiddenByIdentity} out of the policies of {who}, or except secret {secret}.",
        },
        {
          text: "Let {who} in by the secret's resource policy ({missingInResource}).",
          command: resourcePolicy,
        },
        {
          text: "Take the deny of {forbiddenByResource} out of the secret's resource policy, or except {who}.",
          command: resourcePolicy,
        },
        {
          text: "Have {missingInServiceControl} allowed by the service control policies of account {account} (from the management account).",
          command: `${policiesOf} SERVICE_CONTROL_POLICY`,
        },
        {
          text: "Have {forbiddenByServiceControl} taken out of the denies of the service control policies of account {account}, or {who} excepted (from the management account).",
          command: `${policiesOf} SERVICE_CONTROL_POLICY`,
        },
        {
          text: "Have {missingInResourceControl} allowed by the resource control policies of account {account} (from the management account).",
          command: `${policiesOf} RESOURCE_CONTROL_POLICY`,
        },
        {
          text: "Have {forbiddenByResourceControl} taken out of the denies of the resource control policies of account {account}, or {who} excepted (from the management account).",
          command: `${policiesOf} RESOURCE_CONTROL_POLICY`,
        },
        {
          text: "The session of {identity} was made with a policy of its own: allow {missingInSession} there (whoever assumes the role passes it; with EKS Pod Identity the association does).",
        },
        {
          text: "The session of {identity} was made with a policy of its own: take the deny of {forbiddenBySession} out of it (whoever assumes the role passes it; with EKS Pod Identity the association does).",
        },
        {
          text: "Allow {missingInBoundary} in the permissions boundary of {who} as well.",
          command: boundary,
        },
        {
          text: "Take the deny of {forbiddenByBoundary} out of the permissions boundary of {who}.",
          command: boundary,
        },
        {
          text: "Allow {missingInEndpoint} for {who} in the policy of the VPC endpoint that the connector goes through.",
          command: `${endpointsOf}.secretsmanager --query 'VpcEndpoints[].[VpcEndpointId,PolicyDocument]'`,
        },
        {
          text: "Take the deny of {forbiddenByEndpoint} out of the policy of the VPC endpoint that the connector goes through.",
          command: `${endpointsOf}.secretsmanager --query 'VpcEndpoints[].[VpcEndpointId,PolicyDocument]'`,
        },
        {
          text: "Allow {action} on it in a policy of {who}; this shows what its policies say.",
          command: `${simulate} {action}`,
        },
        { text: "Allow {action} on it in a policy of {who}." },
      ],
      { text: "If its policy demands the tag {maybeTag}: true, give it to the secret.", command: tagIt },
      {
        text: "See whether {maybeMissing} is in {region} at all: AWS speaks of it by name and not by ARN, as of a secret that is not there.",
        command: describe,
      },
      { text: "AWS names the policy: {policyArn}." },
      {
        text: "Without {gateAction} set optIn.required: false in the config of the store {store}: then tags are not looked at.",
      },
    ],
  },
  secret_not_tagged: {
    says: [
      "AWS does not let {identity} read secret {secret} ({deniedAction}), and the secret lacks the tag {gateKey}: true, by which a policy may demand to be asked.",
      "Secret {secret} does not have the tag {gateKey}: true, so the connector leaves it alone.",
    ],
    remedy: [
      { text: "If the connector is meant to read secret {secret}, give it the tag.", command: tagIt },
      [
        {
          text: "See whether the tag is all that is missing: this asks the policies of {who} as if it were there ({deniedAction}).",
          command: `${simulate} {deniedAction} ${withTag}`,
        },
        {
          text: "If no policy demands that tag, the right is what is missing: allow {deniedAction} in a policy of {who}.",
        },
        { text: "To read secrets without it, set optIn.required: false in the config of the store {store}." },
      ],
    ],
  },
  secret_region_mismatch: {
    says: [
      "The ARN of secret {secret} is of {arnRegion}, and the connector looks in {region}.",
      "There is no secret {awsSecret} in {region}; {actualRegion} has one of that name.",
    ],
    remedy: [
      { text: "Set secret.region of {integration} to {actualRegion}." },
      {
        text: "See whether that is the one that is meant.",
        command: "aws secretsmanager describe-secret --secret-id {awsSecret} --region {actualRegion}",
      },
    ],
  },
  secret_disabled: {
    says: [
      "Secret {secret} is {disabledHow}: AWS dates its deletion {deletionDate}.",
      "Secret {secret} is {disabledHow}.",
    ],
    remedy: [
      {
        text: "Restore it, if it is still wanted.",
        command: "aws secretsmanager restore-secret --secret-id {awsSecret} --region {region}",
      },
      {
        text: "If it was deleted on purpose, name the secret that came in its place as secret.id of {integration}.",
      },
    ],
  },
  secret_decrypt_forbidden: {
    says: [
      "AWS cannot decrypt secret {secret} with its key {kmsKey} ({keyTrouble}).",
      "AWS cannot decrypt secret {secret} ({keyTrouble}).",
      "AWS lets {identity} read secret {secret}, but not use its key {kmsKey} ({action}): {deniedHow}.",
      "AWS lets {identity} read secret {secret}, but not use its key {kmsKey} ({action}).",
      "AWS lets {identity} read secret {secret}, but not use the key that it is encrypted with ({action}).",
    ],
    remedy: [
      [
        {
          text: "See the key's state: it must be Enabled, or secret {secret} be written anew with another ({keyTrouble}).",
          command: "aws kms describe-key --key-id {kmsKey} --region {region} --query KeyMetadata.KeyState",
        },
        {
          text: "Allow {action} on {kmsKey} in a policy of {who}, and in the key's own policy where the key is of another account.",
          command: "aws kms describe-key --key-id {kmsKey} --region {region}",
        },
        {
          text: "Find the key, then allow {action} on it in a policy of {who} and in the key's own policy.",
          command: `${describe} --query KmsKeyId --output text`,
        },
      ],
      {
        text: "See what the key's own policy allows.",
        command:
          "aws kms get-key-policy --key-id {kmsKeyPolicy} --policy-name default --region {region} --output text",
      },
    ],
  },
  store_unreachable: {
    says: [
      "The connector does not know in which region to look for secret {secret}: neither it, nor the store {store}, nor {noRegion} names one.",
      "The store {store} cannot be reached: {endpointVariable} is no https:// URL (http:// is for loopback addresses alone).",
    ],
    remedy: [
      {
        text: "Set region in the config of the store {store}, secret.region of {integration}, or {noRegion} in the connector's environment.",
      },
      { text: "Correct {endpointVariable} in the connector's environment, or leave it out." },
      [
        {
          text: "AWS answered {status}: see https://health.aws.amazon.com/health/status for Secrets Manager in {region}, and whether {endpoint} is its endpoint.",
        },
      ],
      ...reachIt,
    ],
  },
  store_timeout: {
    says: ["AWS did not give secret {secret} within {limit}: the connector was still waiting for {awaited}."],
    remedy: [
      {
        text: "Let the connector reach whoever gives it {awaited}: AWS STS, the EKS Pod Identity agent or the instance metadata service.",
      },
      ...reachIt,
    ],
  },
  store_rate_limited: {
    says: [
      "AWS takes no more requests from this account in {region} for now ({code}); the connector waits {retryAfter}.",
      "AWS takes no more requests from this account in {region} for now ({code}).",
    ],
    remedy: [
      {
        text: "See the account's limits, which all of its programs share.",
        command: "aws service-quotas list-service-quotas --service-code secretsmanager --region {region}",
      },
      { text: "Set a longer reread in the config of the store {store}." },
    ],
  },
  store_identity_rejected: {
    says: [
      "AWS does not take the connector as {identity}: the clock here is {skew} {skewHow} AWS's.",
      "The connector cannot act as {ungiven}: {trouble}.",
      "AWS does not take the connector as {identity}: {trouble}.",
      "The connector has no identity for AWS: {trouble}.",
    ],
    remedy: [
      {
        text: "Set the clock of the connector's node right, it is {skew} off: AWS takes no signature that is more than 5 minutes off. On the node:",
        command: "chronyc tracking",
      },
      { text: "Set {missingVariable} in the connector's environment as well." },
      [
        {
          text: "On EKS, give the connector's ServiceAccount a role by {eksWays}, then restart the pod.",
        },
      ],
      { text: "Elsewhere name a profile in the config of the store {store}, or set {keyVariables}." },
      {
        text: "Put a valid key into {badKeys} and what belongs to it; keys that end need AWS_SESSION_TOKEN as well. This says whose they are.",
        command: "aws sts get-caller-identity",
      },
      { text: "Let the connector read {missingFile}.", command: "ls -l {missingFile}" },
      {
        text: "Add the profile {missingProfile} to {configFile}, or correct profile in the config of the store {store}.",
        command: "aws configure list-profiles",
      },
      { text: "Sign in again.", command: "aws sso login --profile {ssoProfile}" },
      {
        text: "Run what the profile {profileRun} does, to see what it says.",
        command: "aws sts get-caller-identity --profile {profileRun}",
      },
      [
        {
          text: "Let the trust policy of {distrusted} take sts:AssumeRoleWithWebIdentity by {subject} of {issuer}.",
          command: trustPolicy,
        },
        { text: "Let the trust policy of {distrusted} take the connector's token.", command: trustPolicy },
      ],
      {
        text: "See whether {distrusted} is what the ServiceAccount's annotation eks.amazonaws.com/role-arn says.",
        command: "kubectl -n {serviceAccountNamespace} get serviceaccount {serviceAccount} -o yaml",
      },
      {
        text: "Make an identity provider in account {account} for {unknownIssuer}, or name a role of the account that has one.",
        command: "aws iam list-open-id-connect-providers",
      },
      {
        text: "Let the identity provider take the audience {wrongAudience}, or have the token made for sts.amazonaws.com.",
        command: "aws iam list-open-id-connect-providers",
      },
      {
        text: "See whether the kubelet still renews {spentToken}; a new pod has a new one.",
        command: "ls -lL {spentToken}",
      },
      {
        text: "See whether {badToken} holds the ServiceAccount token that the cluster made.",
        command: "ls -lL {badToken}",
      },
      {
        text: "Let {assumer} assume it: sts:AssumeRole on {assumed} in its own policies, and its ARN in the role's trust policy.",
        command: trustPolicy,
      },
      {
        text: "See whether the trust policy demands {externalId} as sts:ExternalId for {assumer}, letter by letter.",
      },
      {
        text: "If the trust policy demands an sts:ExternalId of {assumer}, set externalId in the config of the store {store}: there is {noExternalId}.",
      },
      {
        text: "See whether an agent runs on the connector's node; it gives the keys at {podAgent}.",
        command: "kubectl -n kube-system get pods -o wide -l app.kubernetes.io/name=eks-pod-identity-agent",
      },
      {
        text: "See whether the connector's ServiceAccount has a pod identity association with a role that trusts pods.eks.amazonaws.com for sts:AssumeRole and sts:TagSession: {refusedBy} gives no keys.",
      },
      { text: "Correct {agentVariable} in the connector's environment; EKS and ECS set it themselves." },
      {
        text: "See whether the container's task or pod has a role, and whether {containerAgent} is the agent that gives its keys.",
      },
      {
        text: "See whether the region {keysFor} is enabled for the account; if it is, restart the connector, so that it gets new keys.",
        command: "aws account get-region-opt-status --region-name {keysFor}",
      },
      { text: "AWS STS answered {stsStatus}: see https://health.aws.amazon.com/health/status for it." },
      {
        text: "No other identity was found before {noSession} was asked. On EKS, annotate the ServiceAccount with a role (eks.amazonaws.com/role-arn) or make a pod identity association; elsewhere give the connector AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in config.auth.",
      },
      {
        text: "Attach an instance profile to the machine, or give the connector an identity of its own: {noInstanceRole} has none.",
      },
      { text: "See whether something on the way to {alteredBy} changes or drops headers, such as a proxy." },
      {
        text: "Let the connector reach AWS STS at {stsAt}; a network without a way to the internet needs a VPC endpoint for it.",
        command: `${endpointsOf}.sts`,
      },
    ],
  },
  secret_stale: {
    remedy: [
      [
        {
          text: "Leave out secret.version of {integration}; then it reads {newerVersion}, and after each rotation the new one.",
          command: versions,
        },
        { text: "Rotate secret {secret}: the store's config allows {mostAge}." },
      ],
    ],
  },
};
