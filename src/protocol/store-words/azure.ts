import type { StoreWords } from "./store-words.ts";

const inVault = "--vault-name {vaultName} --name {secretName}";

export const AZURE: StoreWords = {
  secret_not_found: {
    says: [
      "Secret {secret} has no version {missingVersion}; its newest is {newestVersion}.",
      "The vault {vaultHost} has no secret {missingName}; the nearest is {near}.",
      "The vault {vaultHost} has no secret {missingName}.",
      "The vault {vaultHost} takes no such name or version ({code}).",
    ],
    remedy: [
      [
        {
          text: "See which versions there are, then correct secret.version of {integration} ({missingVersion}) or leave it out.",
          command: `az keyvault secret list-versions ${inVault} --query "[].{id:id,created:attributes.created}" -o table`,
        },
        {
          text: "If {near} was meant, set secret.name of {integration} to it.",
          command: "az keyvault secret show --vault-name {vaultName} --name {near} --query attributes",
        },
        {
          text: "See which secrets there are, then correct secret.name of {integration} or make the secret.",
          command: 'az keyvault secret list --vault-name {vaultName} --query "[].name" -o tsv',
        },
      ],
    ],
  },
  secret_forbidden: {
    says: [
      "The firewall of the vault {firewall} does not let {egress} in ({code}).",
      "The firewall of the vault {firewall} does not let the connector's address in ({code}).",
      "The vault {privateVault} takes connections by its private endpoint alone ({code}), and the connector's came another way.",
      "The connector has no role that lets it read secret {secret} ({code}): it wants {role}.",
      "No access policy of the vault {vaultHost} lets the connector {accessPolicy} secrets ({code}).",
      "The vault {vaultHost} does not let the connector read secret {secret} ({code}).",
    ],
    remedy: [
      [
        {
          text: "Allow {egress} at {firewall}, if it is the connector's way out for good.",
          command: "az keyvault network-rule add --name {vaultName} --ip-address {egress}",
        },
        {
          text: "See by which address the connector goes out, and whether {firewall} allows it.",
          command: "az keyvault network-rule list --name {vaultName}",
        },
        {
          text: "Let the connector's cluster reach the private endpoint: its network peered, and {privateVault} resolved to the private address.",
          command: "az keyvault show --name {vaultName} --query properties.privateEndpointConnections",
        },
        {
          text: "Give it the role on this secret. It may take some minutes to count.",
          command:
            "az role assignment create --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --role {role} --scope {scope}",
        },
        {
          text: "Give it the role {role}. It may take some minutes to count.",
          command:
            'az role assignment create --assignee {clientId} --role {role} --scope "$(az keyvault show --name {vaultName} --query id -o tsv)"',
        },
        { text: "Give the connector's identity the role {role} on the vault {vaultHost}." },
        {
          text: "Give it an access policy.",
          command:
            "az keyvault set-policy --name {vaultName} --object-id {principal} --secret-permissions {accessPolicy} list",
        },
        {
          text: "Give it an access policy.",
          command:
            "az keyvault set-policy --name {vaultName} --spn {clientId} --secret-permissions {accessPolicy} list",
        },
        {
          text: "See whom the vault lets in.",
          command: "az keyvault show --name {vaultName} --query properties",
        },
      ],
    ],
  },
  secret_not_tagged: {
    remedy: [
      {
        text: "If the connector is meant to read secret {secret}, tag it. This replaces the tags that it has: name those again too.",
        command: `az keyvault secret set-attributes ${inVault} --tags {gateKey}=true`,
      },
      { text: "To read secrets without it, set optIn.required: false in the config of the store {store}." },
    ],
  },
  secret_disabled: {
    remedy: [
      [
        { text: "Recover {recoverable}.", command: `az keyvault secret recover ${inVault}` },
        {
          text: "Enable {disabledSecret}, if it is meant to be used.",
          command: `az keyvault secret set-attributes ${inVault} --enabled true`,
        },
        {
          text: "Wait until {earlySecret} counts, correct its nbf, or pin a version that counts already.",
          command: `az keyvault secret show ${inVault} --query attributes`,
        },
        {
          text: "Write a new version of {expiredValue}, or correct its exp.",
          command: `az keyvault secret list-versions ${inVault} --query "[].{id:id,expires:attributes.expires}" -o table`,
        },
      ],
    ],
  },
  store_identity_rejected: {
    says: [
      "The store {store} does not take the connector as client {unfederated}: none of its federated credentials is for the issuer {tokenIssuer}, the subject {subject} and the audience {tokenAudience} ({code}).",
    ],
    remedy: [
      [
        {
          text: "Correct config.clientId ({unknownClient}) or config.tenantId of the store {store}. See what the tenant knows.",
          command: "az ad sp show --id {unknownClient}",
        },
        {
          text: "Enable the application {disabledClient} again.",
          command: "az ad sp show --id {disabledClient} --query accountEnabled",
        },
        {
          text: "Correct config.tenantId of the store {store} ({unknownTenant}).",
          command: "az account show --query tenantId",
        },
        {
          text: "Add a federated credential to {unfederated} with exactly this issuer ({tokenIssuer}), subject ({subject}) and audience ({tokenAudience}). For a managed identity: az identity federated-credential list.",
          command: "az ad app federated-credential list --id {unfederated}",
        },
        {
          text: "Write the secret's value, not its id, into {wrongSecret}. See which there are.",
          command: "az ad app credential list --id {clientId}",
        },
        {
          text: "Make a new client secret and write it into {expiredSecret}.",
          command: "az ad app credential list --id {clientId}",
        },
        {
          text: "Set the clock of the machine that the connector runs on: it is {skew} off.",
          command: "timedatectl",
        },
        {
          text: "See why {expiredToken} is not renewed: the kubelet writes a projected token anew, a copied one stays as it is.",
        },
        {
          text: "See whether its issuer publishes the key that signs the token in {badToken}.",
          command: "curl -sS {keysAt}",
        },
        {
          text: "Exempt the application {conditional} from the policy, or allow the connector's address in it.",
        },
        {
          text: "Set config.tenantId of the store {store} to {vaultTenant}, and use an identity of that tenant.",
        },
        {
          text: "Assign the managed identity to the machines that the connector runs on; it was asked for at {unassigned}.",
        },
        {
          text: "Nothing gives an identity at {noManaged}. On AKS set the label azure.workload.identity/use: true on the pod and the annotation azure.workload.identity/client-id on its ServiceAccount; off Azure clientId, tenantId and clientSecretFile in the config of the store {store}.",
        },
        { text: "Mount the file {credentialFile}, or correct it for the store {store}." },
        {
          text: "Set config.{unset} of the store {store}, or {unsetVariable} in the connector's environment.",
        },
        {
          text: "See whether the vault's tenant is that of the identity; its token is refused with {notTaken}.",
          command: "az keyvault show --name {vaultName} --query properties.tenantId",
        },
        { text: "See what {code} means: https://login.microsoftonline.com/error?code={codeNumber}" },
      ],
    ],
  },
  store_unreachable: {
    says: [
      "{giver}, which gives the connector its identity for the store {store}, failed: it answered {status}.",
      "{giver}, which gives the connector its identity for the store {store}, could not be reached: {trouble}.",
      "There is no vault {unknownVault}: no DNS server knows the name.",
      "The vault {endpoint} failed: it answered {status}.",
      "The vault {endpoint} could not be reached: {trouble}.",
    ],
    remedy: [
      [
        {
          text: "Ask from where the connector runs: names, firewalls and the proxy are on the way to {giver}.",
          command: "curl -sSI https://{giver}",
        },
        {
          text: "Correct secret.vault of {integration}, or make the vault {unknownVault}. See which there are.",
          command: 'az keyvault list --query "[].properties.vaultUri" -o tsv',
        },
        {
          text: "Correct secret.vault of {integration}: the name of a vault for which tokens are for {wrongResource} ends in that.",
        },
        { text: "Correct secret.vault of {integration}, or see what answers there ({stranger})." },
        {
          text: "Set config.ca of the store {store} to the PEM file of the authority that signs for {untrusted}.",
        },
        {
          text: "Ask from where the connector runs: names, network policies, firewalls and the proxy are on the way.",
          command: "curl -sSI https://{vaultHost}/secrets",
        },
      ],
    ],
  },
  store_timeout: {
    says: [
      "{giver}, which gives the connector its identity for the store {store}, did not answer within {limit}: {trouble}.",
      "The vault {endpoint} did not give secret {secret} within {limit}: {trouble}.",
    ],
    remedy: [
      {
        text: "Ask from where the connector runs: names, network policies, firewalls and the proxy are on the way.",
        command: "curl -sSI -m 10 https://{vaultHost}/secrets",
      },
    ],
  },
  store_rate_limited: {
    says: [
      "{giver}, which gives the connector its identity for the store {store}, takes no more requests for now ({code}); the connector waits {retryAfter}.",
      "The vault {endpoint} takes no more requests for now ({code}); the connector waits {retryAfter}.",
    ],
    remedy: [
      [
        {
          text: "See what else asks {giver} as this client: the connector keeps its token for two thirds of its time.",
        },
        {
          text: "Set a longer reread in the config of the store {store}, or spread its secrets over more vaults.",
        },
      ],
    ],
  },
};
