import type { Step } from "../reasons.ts";
import type { StoreWords } from "./store-words.ts";

/** A command of `gcloud secrets`, which wants the location of a regional secret. */
function onSecret(text: string, command: string): readonly Step[] {
  const whole = `gcloud secrets ${command} --project={secretProject}`;
  return [
    { text, command: `${whole} --location={secretLocation}` },
    { text, command: whole },
  ];
}

const ofKey = "--keyring={keyRing} --location={keyLocation} --project={keyProject}";
const readProvider = "gcloud iam workload-identity-pools providers describe";
const bind = "gcloud iam service-accounts add-iam-policy-binding";

/** Commands of `gcloud`, as its reference has them: https://cloud.google.com/sdk/gcloud/reference */
export const GCP: StoreWords = {
  secret_not_found: {
    says: [
      "Google knows no project {missingProject} ({code}).",
      "Secret {secretId} has no version {missingVersion}; its newest is {newest}.",
      "Secret {secretId} has no version {missingVersion}.",
      "Secret {secretId} is there, but has {versionless}.",
      "Project {secretProject} has no secret {absentSecret} in {secretLocation}; it has {near} there.",
      "Project {secretProject} has no secret {absentSecret} in {secretLocation}, or {orVersionless}.",
      "Project {secretProject} has no secret {absentSecret} in {secretLocation}.",
      "Project {secretProject} has no global secret {absentSecret}; it has {near}.",
      "Project {secretProject} has no global secret {absentSecret}, or {orVersionless}.",
      "Project {secretProject} has no global secret {absentSecret}.",
    ],
    remedy: [
      {
        text: "Correct the project in secret.name of {integration}: see whether {missingProject} is there.",
        command: "gcloud projects describe {missingProject}",
      },
      onSecret(
        "Name another version than {missingVersion} in {integration}, or leave it out for the newest.",
        "versions list {secretId}",
      ),
      onSecret(
        "It has {versionless}: write the first. The value is read from standard input.",
        "versions add {secretId} --data-file=-",
      ),
      { text: "If {near} is meant, set secret.name of {integration} to {nearName}." },
      [
        {
          text: "See whether {absentSecret} is there under another name, or make it.",
          command: "gcloud secrets list --project={secretProject} --location={secretLocation}",
        },
        {
          text: "See whether {absentSecret} is there under another name, or make it. A regional secret is named projects/PROJECT/locations/LOCATION/secrets/SECRET.",
          command: "gcloud secrets list --project={secretProject}",
        },
      ],
    ],
  },
  secret_forbidden: {
    says: [
      "The API {disabledService} is not enabled in project {consumer} ({code}).",
      "Billing is off in project {unbilledProject}, so Google answers nothing ({code}).",
      "Google has suspended project {suspendedProject} ({code}).",
      "{identity} may not use the quota of project {quotaProject}, which its credentials name ({code}).",
      "A perimeter of {perimeter} keeps {identity} from secret {secret}; the violation is {violation}.",
      "A perimeter of {perimeter} keeps {identity} from secret {secret}.",
      "{identity} lacks {lacks} on secret {secret}.",
      "{identity} lacks {perhapsLacks} on secret {secret}, or there is no such secret: without the right, Google does not say which.",
    ],
    remedy: [
      {
        text: "Enable the API; that takes some minutes to be known everywhere.",
        command: "gcloud services enable {disabledService} --project={consumer}",
      },
      {
        text: "See which billing account the project has, and link it to an open one.",
        command: "gcloud billing projects describe {unbilledProject}",
      },
      { text: "Ask Google's support why project {suspendedProject} is suspended." },
      [
        {
          text: "Let {identity} use project {quotaProject}, or take the quota project out of its credentials.",
          command:
            "gcloud projects add-iam-policy-binding {quotaProject} --member={member} --role=roles/serviceusage.serviceUsageConsumer",
        },
        {
          text: "Let {identity} use project {quotaProject} (roles/serviceusage.serviceUsageConsumer), or take the quota project out of its credentials.",
        },
      ],
      {
        text: "See which rule of the perimeter it was.",
        command: "gcloud logging read {violationFilter} --project={secretProject} --limit=1",
      },
      {
        text: "Let {identity} in by an ingress rule of the perimeter, or run the connector inside of it: {perimeter} looks at both.",
      },
      onSecret(
        "See whether it is there: without {perhapsLacks} the connector cannot know.",
        "describe {secretId}",
      ),
      onSecret(
        "Give {identity} the right.",
        "add-iam-policy-binding {secretId} --member={member} --role={role}",
      ).concat({ text: "Give {identity} the role {role} on secret {secret}." }),
    ],
  },
  secret_not_tagged: {
    remedy: [
      onSecret(
        "If the connector is meant to read secret {secretId}, label it.",
        "update {secretId} --update-labels={gateKey}=true",
      ),
      { text: "To read secrets without it, set optIn.required: false in the config of the store {store}." },
    ],
  },
  secret_region_mismatch: {
    says: [
      "Secret {secretId} is a global one ({rightName}), and {integration} asks for it in {region}.",
      "Secret {secret} is {secretKind}, and the store {store} asks {wrongEndpoint}, which has {endpointKind}.",
    ],
    remedy: [
      { text: "Set secret.name of {integration} to {rightName}." },
      {
        text: "Leave endpoint ({wrongEndpoint}) out of the config of the store {store}: the connector then asks {rightEndpoint}.",
      },
    ],
  },
  secret_disabled: {
    says: ["Version {version} of secret {secretId} is {disabledHow}."],
    remedy: [
      onSecret(
        "Enable version {disabledVersion} again, if it was not meant.",
        "versions enable {disabledVersion} --secret={secretId}",
      ),
      onSecret(
        "See which versions are enabled, and name one in {integration}, or write a new one.",
        "versions list {secretId}",
      ),
    ],
  },
  secret_decrypt_forbidden: {
    says: [
      "Secret Manager may not use the key {kmsKey} of secret {secretId}: it lacks {keyRight}.",
      "Secret Manager may not use the key of secret {secretId}: it lacks {keyRight}.",
      "The key {kmsKey} of secret {secretId} is {keyState}.",
      "The key of secret {secretId} is {keyState}.",
    ],
    remedy: [
      {
        text: "Enable the key's version {disabledKeyVersion} again.",
        command: `gcloud kms keys versions enable {disabledKeyVersion} --key={keyName} ${ofKey}`,
      },
      [
        {
          text: "Let Secret Manager's own account use the key ({keyRight}).",
          command: `gcloud kms keys add-iam-policy-binding {keyName} ${ofKey} --member={agentMember} --role=roles/cloudkms.cryptoKeyEncrypterDecrypter`,
        },
        {
          text: "Let Secret Manager's own account in project {secretProject} use the key ({keyRight}), by roles/cloudkms.cryptoKeyEncrypterDecrypter; this names the account.",
          command:
            "gcloud beta services identity create --service=secretmanager.googleapis.com --project={secretProject}",
        },
        {
          text: "See the key's versions (this is {keyState}): one scheduled for destruction can be restored, a destroyed one takes the value with it.",
          command: `gcloud kms keys versions list --key={keyName} ${ofKey}`,
        },
        { text: "See the key that secret {secretId} is encrypted with: it is {keyState}." },
      ],
    ],
  },
  store_unreachable: {
    says: [
      "What answers at {endpoint} does not answer as Secret Manager does: {wrongAnswer}.",
      "{identityEndpoint}, which gives the connector its identity, failed: it answered {status}.",
      "{identityEndpoint}, which gives the connector its identity, could not be reached: {trouble}.",
    ],
    remedy: [
      [
        {
          text: "Where {identityEndpoint} is the metadata server of a GKE node, see its pod; else see whether Google has trouble ({status}): https://status.cloud.google.com",
          command: "kubectl -n kube-system get pods -l k8s-app=gke-metadata-server -o wide",
        },
        { text: "See whether Google has trouble ({status}): https://status.cloud.google.com" },
        {
          text: "See what stands at {endpoint}: a proxy, a firewall or another server may answer in Google's place ({wrongAnswer}).",
        },
        {
          text: "Let the connector reach {identityEndpoint}: names, network policies, firewalls, proxy, certificates.",
        },
      ],
    ],
  },
  store_timeout: {
    says: ["{identityEndpoint}, which gives the connector its identity, did not answer within {limit}."],
    remedy: [
      {
        text: "Let the connector reach {identityEndpoint}: names, network policies, firewalls, proxy, certificates.",
      },
    ],
  },
  store_identity_rejected: {
    says: ["Google does not take the connector as {identity}: the clock here is {skew} off."],
    remedy: [
      {
        text: "See which keys {account} has: that of the file is {rejectedKey}.",
        command: "gcloud iam service-accounts keys list --iam-account={account}",
      },
      {
        text: "Make another in place of {rejectedKey}, and mount it as {credentialsFile}.",
        command: "gcloud iam service-accounts keys create key.json --iam-account={account}",
      },
      {
        text: "Enable the account again, if it was not meant.",
        command: "gcloud iam service-accounts enable {disabledAccount}",
      },
      {
        text: "See whether the account is there, and correct its name or make it.",
        command: "gcloud iam service-accounts describe {absentAccount}",
      },
      { text: "Set the clock of the connector's node, which is {skew} off (chrony, ntpd)." },
      {
        text: "Log in again, and put what that writes in place of {endedLogin}.",
        command: "gcloud auth application-default login",
      },
      {
        text: "See whether pool and provider are there and enabled, and correct audience in {credentialsFile}.",
        command: `${readProvider} {absentProvider}`,
      },
      {
        text: "Let the provider's attributeCondition admit the connector.",
        command: `${readProvider} {wrongClaims}`,
      },
      {
        text: "Give the projected token {tokenFile} an audience that the provider allows.",
        command: `${readProvider} {wrongAudience}`,
      },
      {
        text: "See whether the provider's issuerUri and keys are those of the cluster.",
        command: `${readProvider} {wrongIssuer}`,
      },
      {
        text: "Let kubelet renew the token: mount a projected serviceAccountToken there.",
        command: "ls -l {staleToken}",
      },
      [
        {
          text: "Let the pod act as {unbound}.",
          command: `${bind} {unbound} --role=roles/iam.workloadIdentityUser --member={podMember}`,
        },
        {
          text: "Give the pod's Kubernetes ServiceAccount roles/iam.workloadIdentityUser on {unbound}.",
          command: "gcloud iam service-accounts get-iam-policy {unbound}",
        },
      ],
      [
        {
          text: "Let {actor} act as {account}.",
          command: `${bind} {account} --role={actorRole} --member={actorMember}`,
        },
        { text: "Give {actor} the role {actorRole} on service account {account}." },
      ],
      {
        text: "Enable the API; that takes some minutes to be known everywhere.",
        command: "gcloud services enable {disabledService} --project={consumer}",
      },
      [
        {
          text: "Mount the projected token {tokenFile}, or correct credential_source in {credentialsFile}.",
          command: "ls -l {unreadFile}",
        },
        {
          text: "Mount the file there, or correct credentialsFile or GOOGLE_APPLICATION_CREDENTIALS.",
          command: "ls -l {unreadFile}",
        },
      ],
      { text: "Put valid credentials into {badFile}: docs/stores/gcp.md shows them." },
      {
        text: "Google refuses its token ({refused}): see whether the account is enabled.",
        command: "gcloud iam service-accounts describe {account}",
      },
      {
        text: "In GKE, switch Workload Identity on for cluster and node pool; on a machine, give it a service account. {noAccount} then knows it.",
      },
      { text: "On Google Cloud, let the connector reach the metadata server at {noMetadata}." },
      {
        text: "Anywhere else nothing is at {noMetadata}: mount credentials, and name them by credentialsFile in the config of the store {store} (docs/stores/gcp.md).",
      },
    ],
  },
  secret_expiring: {
    remedy: [
      onSecret(
        "If secret {secretId} is needed after {expires}, take its end away.",
        "update {secretId} --remove-expiration",
      ),
    ],
  },
  secret_stale: {
    remedy: [
      [
        {
          text: "End secret.name of {integration} with /versions/{newerVersion}, or leave /versions/{version} out.",
        },
        ...onSecret(
          "Rotate it: the store's config allows {mostAge}. The value is read from standard input.",
          "versions add {secretId} --data-file=-",
        ),
      ],
    ],
  },
};
