import type { StoreWords } from "./store-words.ts";

/** How we are bound to a Role, as kubectl wants it. */
const bind = "kubectl -n {secretNamespace} create rolebinding {role} --role={role}";

export const KUBERNETES: StoreWords = {
  secret_not_found: {
    says: [
      "The cluster has no namespace {noNamespace}, so there is no Secret {secretName} in it; it has {nearNamespace}, which may be meant.",
      "The cluster has no namespace {noNamespace}, so there is no Secret {secretName} in it.",
      "Namespace {secretNamespace} has no Secret {secretName}; it has {near}, which may be meant.",
      "Namespace {secretNamespace} has no Secret {secretName}; there is one of that name in {elsewhere}.",
      "Namespace {seenNamespace} has no Secret {secretName}.",
      "There is no Secret {secretName} in namespace {secretNamespace}. Whether there is such a namespace the connector may not see.",
    ],
    remedy: [
      [
        {
          text: "Set secret.namespace of {integration} to {nearNamespace}, or make the namespace {noNamespace}.",
          command: "kubectl get namespaces",
        },
        {
          text: "Correct secret.namespace of {integration}, or make the namespace {noNamespace}.",
          command: "kubectl get namespaces",
        },
        {
          text: "Correct secret.name of {integration}, if {near} is meant.",
          command: "kubectl -n {secretNamespace} get secret {near}",
        },
        {
          text: "Set secret.namespace of {integration}, if the one in {elsewhere} is meant.",
          command: "kubectl get secrets -A --field-selector metadata.name={secretName}",
        },
        {
          text: "Make the Secret, or correct secret.name and secret.namespace of {integration}.",
          command: "kubectl -n {secretNamespace} get secrets",
        },
        {
          text: "Make the Secret, or correct where it is named.",
          command: "kubectl -n {secretNamespace} get secrets",
        },
      ],
    ],
  },
  secret_forbidden: {
    says: [
      "{identity} has the right to get Secret {secretName} in namespace {secretNamespace}, and the API server at {endpoint} refuses it all the same ({allowedYet}).",
      "An authorizer of the cluster forbids {identity} outright to get Secret {secretName} in namespace {secretNamespace} ({deniedOutright}); no Role changes that.",
      "{identity} may not get Secret {secretName} in namespace {secretNamespace} ({unasked}), and may not ask the API server why.",
      "{identity} may not get Secret {secretName} in namespace {secretNamespace}: a binding names {missingRole}, which does not exist.",
      "{identity} may not get Secret {secretName} in namespace {secretNamespace}: no Role that is bound to it allows that.",
    ],
    remedy: [
      [
        {
          text: "Look for what stands in front of {endpoint} and lets less through than RBAC ({allowedYet}): a gateway, a proxy for users.",
        },
        {
          text: "Ask whoever runs the cluster's authorization webhook to let {identity} get this Secret ({deniedOutright}).",
        },
        {
          text: "Let it ask: by default every account may ({unasked}).",
          command: "kubectl get clusterrolebinding system:basic-user -o yaml",
        },
        {
          text: "Where the Helm release {installRelease} makes the connector's rights: add {secretName} to the list {valuesLine} of its values, and upgrade. Or by hand, as follows.",
        },
      ],
      {
        text: "Make a Role for this one Secret.",
        command:
          "kubectl -n {secretNamespace} create role {role} --verb=get --resource=secrets --resource-name={secretName}",
      },
      [
        {
          text: "Bind it to the connector's account.",
          command: `${bind} --serviceaccount={accountNamespace}:{accountName}`,
        },
        { text: "Bind it to the connector's user.", command: `${bind} --user={user}` },
      ],
      [
        {
          text: "See what the API server says of it.",
          command:
            "kubectl auth can-i get secrets/{secretName} -n {secretNamespace} --as=system:serviceaccount:{accountNamespace}:{accountName}",
        },
        {
          text: "See what the API server says of it.",
          command: "kubectl auth can-i get secrets/{secretName} -n {secretNamespace} --as={user}",
        },
      ],
    ],
  },
  secret_not_tagged: {
    says: [
      "Secret {secret} has the label {gateFound}: {gateValue}, which is not true, so the connector leaves it alone.",
      "Secret {secret} does not have the label {gateKey}: true, so the connector leaves it alone.",
    ],
    remedy: [
      {
        text: "If the connector is meant to read it, label it.",
        command: "kubectl -n {secretNamespace} label secret {secretName} {gateKey}=true --overwrite",
      },
      {
        text: "To read Secrets without the label, set optIn.required: false in the config of the store {store}.",
      },
    ],
  },
  secret_expiring: {
    says: ["Secret {secret} was deleted at {expires}; it is still there because a finalizer holds it."],
    remedy: [
      {
        text: "Look at its finalizers, and make another Secret before it goes.",
        command: "kubectl -n {secretNamespace} get secret {secretName} -o jsonpath='{.metadata.finalizers}'",
      },
    ],
  },
  secret_unparsable: {
    says: [
      "Key {key} of Secret {secretName} in namespace {secretNamespace} holds bytes that are not UTF-8 text.",
    ],
    remedy: [
      {
        text: "Write {key} anew as text (stringData), or name the right key as secret.fields.{field} of {integration}.",
      },
      {
        text: "See which keys it has; values are not shown.",
        command: "kubectl -n {secretNamespace} describe secret {secretName}",
      },
    ],
  },
  secret_field_missing: {
    says: [
      "Secret {secret} has no key {key}; it has {near}, which may be the same.",
      "Secret {secret} has no key {key}.",
    ],
    remedy: [
      [
        { text: "Add the key, or map it: set secret.fields.{field} of {integration} to {near}." },
        { text: "Add the key, or name the right one as secret.fields.{field} of {integration}." },
      ],
      {
        text: "See which keys it has; values are not shown.",
        command: "kubectl -n {secretNamespace} describe secret {secretName}",
      },
    ],
  },
  secret_field_empty: {
    says: ["Key {key} of Secret {secret} is empty."],
    remedy: [
      { text: "Write a value into it.", command: "kubectl -n {secretNamespace} edit secret {secretName}" },
    ],
  },
  store_unreachable: {
    says: [
      "What answers at {notKubernetes} is no Kubernetes API server.",
      "The Kubernetes API server at {endpoint} failed: it answered {status}.",
      "The Kubernetes API server at {endpoint} could not be reached: {trouble}.",
    ],
    remedy: [
      [
        {
          text: "Correct where the connector looks: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, or the server in its kubeconfig. Or a proxy on the way answers by itself.",
          command: "curl -sk https://{notKubernetes}/version",
        },
        {
          text: "Its answers were {status}: see whether it is ready, and which part of it is not.",
          command: "kubectl get --raw '/readyz?verbose'",
        },
        {
          text: "Put the cluster's authority into {authorityFile}. In a Pod it comes from this ConfigMap.",
          command: "kubectl -n {installNamespace} get configmap kube-root-ca.crt",
        },
        { text: "Put the cluster's authority, as PEM, into {authorityFile}." },
        {
          text: "Compare its certificate with the authority that the connector was given (ca.crt beside its token, or in its kubeconfig).",
          command:
            "openssl s_client -connect {certificateAt} </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName",
        },
        {
          text: "See whether it answers elsewhere, and by which addresses.",
          command: "kubectl -n default get endpointslices -l kubernetes.io/service-name=kubernetes",
        },
      ],
      {
        text: "Let the connector reach {wayTo}: names, NetworkPolicies, firewalls. A policy for egress sees the API server's own port, mostly 6443, and not that of its Service.",
      },
    ],
  },
  store_timeout: {
    says: ["The Kubernetes API server at {endpoint} did not give Secret {secret} within {limit}."],
    remedy: [
      {
        text: "See whether it is ready, and which part of it is not.",
        command: "kubectl get --raw '/readyz?verbose'",
      },
      {
        text: "See whether something between the connector and {endpoint} drops packets: NetworkPolicies, firewalls.",
      },
    ],
  },
  store_rate_limited: {
    says: [
      "The Kubernetes API server at {endpoint} takes no more requests of the connector for now ({code}); it wants to be left alone for {retryAfter}.",
    ],
    remedy: [
      {
        text: "See who asks it so much.",
        command: "kubectl get --raw /debug/api_priority_and_fairness/dump_priority_levels",
      },
      { text: "If it is the connector, set a longer reread in the config of the store {store}." },
    ],
  },
  store_identity_rejected: {
    says: [
      "The API server at {endpoint} does not take the token of {identity} (401): it ended at {tokenEnded}, and the API server has {serverTime}; the clock here is {clockSkew} off.",
      "The API server at {endpoint} does not take the token of {identity} (401): it ended at {tokenEnded}, and the API server has {serverTime}.",
      "The API server at {endpoint} does not take the token of {identity} (401): it holds from {tokenStarts} on, and the API server has {serverTime}.",
      "The API server at {endpoint} does not take the token of {identity} (401): it is for {audience}, and {issuer} issued it.",
      "The API server at {endpoint} does not take the token of {identity} (401). It holds until {tokenEnds}, so the account or the Pod that it is bound to was deleted, or another cluster issued it ({issuer}).",
      "The API server at {endpoint} does not take the login of {identity} ({rejected}).",
    ],
    remedy: [
      [
        {
          text: "Nobody renews the token that ended at {tokenEnded}. In a Pod the kubelet does: restart the connector.",
          command: "kubectl -n {installNamespace} rollout restart deployment {installName}",
        },
        {
          text: "Nobody renews the token that ended at {tokenEnded}. In a Pod the kubelet does; elsewhere make a new one.",
          command: "kubectl -n {accountNamespace} create token {accountName}",
        },
        { text: "Set the clocks right: the token holds from {tokenStarts} on." },
        {
          text: "Mount a token for the API server: a projected token without an audience, not one for {audience}.",
          command: "kubectl -n {accountNamespace} get serviceaccount {accountName} -o yaml",
        },
        {
          text: "See whether the account is still there, and no younger than its token, which holds until {tokenEnds}.",
          command: "kubectl -n {accountNamespace} get serviceaccount {accountName}",
        },
        {
          text: "The API server says no more than {rejected}: give {identity} a login that this cluster knows.",
        },
        { text: "Write one token, and nothing else, into {unfitToken}.", command: "ls -l {unfitToken}" },
        {
          text: "Make a ServiceAccount for the connector; it is not to log in as {loginUser}.",
          command: "kubectl --kubeconfig {file} create serviceaccount mooring",
        },
        {
          text: "In a Pod, let it mount its account's token (automountServiceAccountToken: true) at {tokenFile}; elsewhere name a kubeconfig in KUBECONFIG.",
        },
        {
          text: "Mend {file}, or name another kubeconfig in KUBECONFIG: with a token, a tokenFile or a client certificate.",
          command: "kubectl --kubeconfig {file} config view --minify",
        },
      ],
      [
        {
          text: "Give it a kubeconfig of its own with that account's token, and name it in KUBECONFIG.",
          command:
            'kubectl --kubeconfig {file} config view --minify --flatten --raw > mooring.kubeconfig && kubectl --kubeconfig mooring.kubeconfig config set-credentials {loginUser} --token "$(kubectl --kubeconfig {file} create token mooring --duration 24h)"',
        },
        {
          text: "If it was made anew, restart the connector: the token until {tokenEnds} is one of the old account.",
          command: "kubectl -n {installNamespace} rollout restart deployment {installName}",
        },
        {
          text: "If it was made anew, give the connector a new token: the one until {tokenEnds} is one of the old account.",
        },
      ],
    ],
  },
};
