import type { Step } from "../reasons.ts";
import type { StoreWords } from "./store-words.ts";

/** A step with a command of the tool `vault`; `bao` takes the same words. In a namespace, with it. */
function step(text: string, command: string, rest = ""): Step[] {
  const plain = `vault ${command}`;
  return [
    { text, command: `${plain} -namespace={vaultNamespace} ${rest}`.trimEnd() },
    { text, command: `${plain} ${rest}`.trimEnd() },
  ];
}

const inMount = "-mount={mount} {vaultPath}";

const showRole = (text: string): Step[] => step(text, "read", "auth/{authMount}/role/{authRole}");

export const VAULT: StoreWords = {
  secret_not_found: {
    says: [
      "{vaultAddress} has no namespace {missingNamespace}.",
      "{foundMount} at {vaultAddress} is an engine of the kind {engine}: it holds no secrets of the kind KV.",
      "{vaultAddress} has no mount {missingMount}; the nearest that the connector may use is {nearMount}.",
      "{vaultAddress} has no mount {missingMount}.",
      "{unversioned} is KV version 1, which keeps no versions: there is no version {wantedVersion} of {vaultPath}.",
      "Secret {secret} has no version {missingVersion}; there are {oldestVersion} to {currentVersion}.",
      "There is no secret {missingPath} in {mount}; the nearest is {near}.",
      "There is no secret {missingPath} in {mount}, but a folder {nearFolder}.",
      "There is no secret {missingPath} in {mount}.",
    ],
    remedy: [
      [
        ...step(
          "See which namespaces there are, then correct config.namespace of the store {store} ({missingNamespace}).",
          "namespace list",
        ).slice(1),
        ...step(
          "See which mounts are of the type kv, then correct secret.mount of {integration} ({foundMount}).",
          "secrets list",
        ),
        ...step(
          "Correct secret.mount of {integration}: {nearMount} instead of {missingMount}. See which there are.",
          "secrets list",
        ),
        ...step(
          "See which mounts there are, then correct secret.mount of {integration} ({missingMount}).",
          "secrets list",
        ),
        { text: "Leave out secret.version of {integration}: {unversioned} has no versions." },
        ...step(
          "See which versions there are, then correct secret.version of {integration} ({missingVersion}) or leave it out.",
          "kv metadata get",
          inMount,
        ),
        ...step(
          "If {near} was meant, set secret.path of {integration} to it. See what is beside it.",
          "kv list",
          "-mount={mount} {nearIn}",
        ),
        ...step(
          "If {near} was meant, set secret.path of {integration} to it. See what is beside it.",
          "kv list",
          "{mount}",
        ),
        ...step(
          "Name a secret of that folder as secret.path of {integration}. See what is in it.",
          "kv list",
          "-mount={mount} {nearFolder}",
        ),
        ...step(
          "See which secrets there are, then correct secret.path of {integration} ({missingPath}) or make the secret.",
          "kv list",
          "{mount}",
        ),
      ],
    ],
  },
  secret_forbidden: {
    says: [
      "The opt-in gate of the store {store} is on, and the connector may not read the custom metadata at {gatePath}.",
      "The connector may read nothing in {unseenMount}: its policies grant nothing there, or there is no such mount. The nearest mount that it may use is {nearMount}.",
      "The connector may read nothing in {unseenMount}: its policies grant nothing there, or there is no such mount.",
      "The connector's policies grant {grantedPath}, but {mount} is KV version {kv}, where the secret is read at {policyPath}.",
      "The connector is logged in, but none of its policies ({policies}) grants {policyPath}.",
      "The connector is logged in, but its policies do not grant {policyPath}.",
    ],
    remedy: [
      [
        { text: "If {nearMount} was meant, set secret.mount of {integration} to it." },
        ...step("See whether there is a mount {unseenMount}.", "secrets list").map((form) => ({
          ...form,
          text: `${form.text} For KV version 1 the policy's path is {otherPolicyPath}.`,
        })),
      ],
      [
        ...step(
          'Add to the policy {policy}: path "{policyPath}" { capabilities = ["read"] }',
          "policy read",
          "{policy}",
        ),
        { text: 'Add to a policy of the connector: path "{policyPath}" { capabilities = ["read"] }' },
      ],
    ],
  },
  secret_not_tagged: {
    says: [
      "{ungatedMount} is KV version 1, which has no custom metadata: no secret in it can carry {gateKey}: true, so the connector leaves it alone.",
    ],
    remedy: [
      [
        ...step(
          "Make {ungatedMount} KV version 2 (its secrets stay, its policies' paths change), then mark the secret.",
          "kv enable-versioning",
          "{ungatedMount}",
        ),
        ...step(
          "If the connector is meant to read secret {secret}, mark it.",
          "kv metadata patch",
          "-mount={mount} -custom-metadata={gateKey}=true {vaultPath}",
        ),
      ],
      { text: "To read secrets without it, leave out optIn.required in the config of the store {store}." },
    ],
  },
  secret_disabled: {
    remedy: [
      [
        ...step(
          "Bring version {deletedVersion} back.",
          "kv undelete",
          "-mount={mount} -versions={deletedVersion} {vaultPath}",
        ),
        ...step(
          "Version {destroyedVersion} cannot come back: write a new one, or pin another. See which there are.",
          "kv metadata get",
          inMount,
        ),
      ],
    ],
  },
  store_sealed: {
    remedy: [
      [
        {
          text: "Unseal {sealedNode}: as many times as its threshold, each with another key. With auto-unseal, see its log for why it did not.",
          command: "vault operator unseal -address={vaultAddress}",
        },
        {
          text: "Initialise {emptyNode}, unless it was meant to have data: then its storage is not the one it had.",
          command: "vault status -address={vaultAddress}",
        },
        {
          text: "Set config.address of the store {store} to what leads to the active node, such as the Service vault-active. See who that is ({standbyNode}).",
          command: "vault status -address={vaultAddress}",
        },
      ],
    ],
  },
  store_identity_rejected: {
    remedy: [
      [
        ...step(
          "See which auth methods there are, then correct auth.mount of the store {store} ({missingAuthMount}).",
          "auth list",
        ),
        ...step(
          "See which roles there are, then correct auth.role of the store {store} ({missingRole}) or make the role.",
          "list",
          "auth/{authMount}/role",
        ),
        ...showRole(
          "Let the role take the audience {wrongAudience}, or have the token in {credentialFile} made for the audience that the role names.",
        ),
        ...showRole("Add this ServiceAccount, {subject}, to the role {wrongAccount}."),
        ...showRole("Let the role {wrongSubject} take the subject {subject}."),
        ...showRole("Let the role take the value that the connector's token has for the claim {wrongClaim}."),
        ...step(
          "See which issuer auth/{authMount} takes; the token's is {wrongIssuer}.",
          "read",
          "auth/{authMount}/config",
        ),
        ...step(
          "See which keys auth/{authMount} knows, and whether they are those of {wrongKey} now.",
          "read",
          "auth/{authMount}/config",
        ),
        ...step(
          "Write a new secret id of the role into {wrongSecretId}. See which roles there are.",
          "list",
          "auth/{authMount}/role",
        ),
        ...step(
          "See whether {lockedAt} has locked the role id out, and who tries wrong secret ids.",
          "read",
          "sys/locked-users",
        ),
        {
          text: "See why {expiredToken} is not renewed: the kubelet writes a projected token anew, a copied one stays as it is.",
        },
        {
          text: "Set the clocks: to Vault the token in {early} counts later, so its clock is behind, or the issuer's is ahead.",
        },
        ...step(
          "Allow the connector's address (bound CIDRs) at {wrongSource}.",
          "list",
          "auth/{authMount}/role",
        ),
        { text: "Put a token that Vault knows into {deadToken}, and see that something renews it." },
        { text: "Mount a JWT at {noJwt}." },
        {
          text: "See whether the token's ServiceAccount is still there; a token dies with it.",
          command: "kubectl -n {accountNamespace} get serviceaccount {account}",
        },
        ...step("See how auth/{authMount} is set up.", "read", "auth/{authMount}/config"),
        { text: "Mount the file {credentialFile}, or correct it under auth of the store {store}." },
      ],
      step(
        "See whom {unreviewed} asks: kubernetes_host and kubernetes_ca_cert must be this cluster's, and the reviewer must have the ClusterRole system:auth-delegator.",
        "read",
        "auth/{authMount}/config",
      ),
    ],
  },
  store_rate_limited: {
    remedy: [
      step("See which quota it is, and raise it.", "list", "sys/quotas/rate-limit"),
      { text: "Or set a longer reread in the config of the store {store}." },
    ],
  },
  store_unreachable: {
    says: [
      "The store {store} at {endpoint} answered {status} and sends on to {location}; redirects are not followed.",
    ],
    remedy: [
      { text: "If {location} is right, set config.address of the store {store} to it." },
      [
        {
          text: "Correct config.address of the store {store}, or see what answers there instead of Vault ({stranger}).",
          command: "curl -sS {vaultAddress}/v1/sys/health",
        },
        {
          text: "Set config.ca of the store {store} to the PEM file of the authority that signs for {untrusted}.",
        },
        {
          text: "Ask from where the connector runs: names, network policies, firewalls, proxy and certificates are on the way.",
          command: "curl -sS {vaultAddress}/v1/sys/health",
        },
      ],
    ],
  },
  store_timeout: {
    says: ["The store {store} at {endpoint} did not give secret {secret} within {limit}: {trouble}."],
    remedy: [
      {
        text: "Ask from where the connector runs: names, network policies, firewalls and proxy are on the way.",
        command: "curl -sS -m 10 {vaultAddress}/v1/sys/health",
      },
    ],
  },
};
