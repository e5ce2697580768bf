import type { Condition, Stage } from "./stages.ts";

/** One thing to do: a text, and at most one command that is ready to paste. */
export interface Step {
  readonly text: string;
  readonly command?: string;
}

/**
 * One row of the closed table.
 *
 * `says` and the steps are templates: `{host}` is filled from the evidence of a failure.
 * Of several wordings, and of several forms of one step, the first whose names are all known is used;
 * a step none of whose forms can be filled is left out.
 */
export interface Reason {
  /** The stage that raises it; "connector" is what concerns the connector itself. */
  readonly stage: Stage | "connector";
  /** Only where it is not the one that the stage decides. */
  readonly condition?: Condition;
  /** The cause, as wordings from the most specific to the plainest. Absent: nothing raises it yet. */
  readonly says?: readonly string[];
  readonly remedy?: readonly (Step | readonly Step[])[];
}

const inspectCertificate: readonly Step[] = [
  {
    text: "Look at the certificate that the server shows.",
    command:
      "openssl s_client -connect {target} -servername {serverName} -starttls {starttls} </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName",
  },
  {
    text: "Look at the certificate that the server shows.",
    command:
      "openssl s_client -connect {target} -servername {serverName} </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName",
  },
];

const watchEndpoints: Step = {
  text: "See whether the Service has ready endpoints.",
  command: "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={service}",
};

const tryPort: Step = {
  text: "Try the port from where the connector runs.",
  command: "nc -vz -w 5 {host} {port}",
};

const lookAtSecret: readonly Step[] = [
  { text: "Look at the file that holds the secret.", command: "ls -l {file}" },
  { text: "Look at where the connector's environment sets {variable}." },
  { text: "Look at secret {secret} in its store." },
];

/** Every reason there is. A code is never renamed and never means two things. */
export const REASONS = {
  // resolve
  dns_not_found: {
    stage: "resolve",
    says: ["No DNS server knows {host} (asked {servers} for {tried})."],
    remedy: [
      {
        text: "See whether the Service exists in that namespace.",
        command: "kubectl -n {namespace} get service {service}",
      },
      { text: "Check how the host is spelled, then look the name up yourself.", command: "nslookup {host}" },
    ],
  },
  dns_unavailable: {
    stage: "resolve",
    says: ["The name {host} could not be looked up: {servers} answered {answer}."],
    remedy: [
      {
        text: "See whether the cluster's DNS is running.",
        command: "kubectl -n kube-system get pods -l k8s-app=kube-dns",
      },
      { text: "Look the name up yourself.", command: "nslookup {host}" },
    ],
  },
  dns_timeout: {
    stage: "resolve",
    says: ["No DNS server answered for {host} within {limit} (asked {servers})."],
    remedy: [
      {
        text: "See whether the cluster's DNS is running.",
        command: "kubectl -n kube-system get pods -l k8s-app=kube-dns",
      },
      {
        text: "See whether a network policy stops DNS, port 53 UDP and TCP, from the connector's namespace.",
      },
    ],
  },

  // connect
  connection_refused: {
    stage: "connect",
    says: [
      "{proxy} answered {status}: it could not connect to {target}.",
      "{address} refused the connection: the host answers, but nothing listens on that port.",
    ],
    remedy: [
      {
        text: "Watch the Service get its endpoints back.",
        command: "kubectl -n {namespace} get endpointslices -l kubernetes.io/service-name={service} --watch",
      },
      { text: "Start the server, or correct the port: it must listen on port {port} of {host}." },
      tryPort,
    ],
  },
  connect_timeout: {
    stage: "connect",
    says: [
      "{proxy} answered {status}: it got no answer from {target}.",
      "The proxy {proxy} did not answer within {limit}.",
      "{address} did not answer within {limit}: the host is down, or something on the way drops the packets.",
    ],
    remedy: [
      {
        text: "Allow traffic from the connector to {target} in network policies, security groups and firewalls.",
      },
      watchEndpoints,
      tryPort,
    ],
  },
  network_unreachable: {
    stage: "connect",
    says: ["There is no route from the connector to {address}."],
    remedy: [
      {
        text: "Give the connector's network a route to {address}, or correct the host.",
        command: "ip route get {ip}",
      },
    ],
  },
  connection_reset: {
    stage: "respond",
    says: [
      "{address} {how} the connection after {answered} of its answer.",
      "{address} {how} the connection before the first byte of an answer.",
    ],
    remedy: [
      { text: "Read the server's own log at this moment: it took the connection and ended it." },
      { text: "See whether a proxy, a load balancer or a service mesh in front of {target} ends it." },
      watchEndpoints,
      tryPort,
    ],
  },
  address_forbidden: {
    stage: "connect",
    says: [
      "The proxy {proxy} is {ip}, {kind} address. The connector does not dial those.",
      "{name} is {ip}, {kind} address. The connector does not dial those.",
      "{ip} is {kind} address. The connector does not dial those.",
    ],
    remedy: [
      [
        { text: "Correct the proxy {proxy}, or what DNS answers for it." },
        { text: "Correct the host, or what DNS answers for it." },
      ],
      {
        text: "If it is meant, list {ip} under policy.addresses.allow in the connector's own configuration file.",
      },
    ],
  },
  proxy_refused: {
    stage: "connect",
    says: [
      "The proxy {proxy} refused to connect to {target}: it answered {status}.",
      "The proxy {proxy} could not be used for {target}: {trouble}.",
      "The environment variable {proxyVariable} is not a proxy's URL, so {target} was not dialled.",
    ],
    remedy: [
      [
        { text: "Allow {target} on the proxy {proxy}, and give the proxy the login that it asks for." },
        { text: "Set {proxyVariable} to http://HOST:PORT or https://HOST:PORT, or leave it out." },
      ],
      { text: "If {host} needs no proxy, name it in NO_PROXY, or set config.proxy to none." },
    ],
  },

  // tls
  certificate_expired: {
    stage: "tls",
    says: ["The certificate of {target} expired at {notAfter}."],
    remedy: [
      { text: "Renew the certificate on the server and have the server load it." },
      inspectCertificate,
    ],
  },
  certificate_not_yet_valid: {
    stage: "tls",
    says: ["The certificate of {target} is valid only from {notBefore}; the connector's clock says {now}."],
    remedy: [
      { text: "Compare the clocks of the connector's node and of the issuer.", command: "date -u" },
      inspectCertificate,
    ],
  },
  certificate_untrusted: {
    stage: "tls",
    says: [
      "The certificate of {target} was issued by {issuer}, which the connector does not trust ({code}).",
      "The certificate of {target} is self-signed, and the connector was not told to trust it.",
    ],
    remedy: [
      { text: "Name the issuer's certificate as config.tls.ca of {integration}." },
      inspectCertificate,
    ],
  },
  certificate_name_mismatch: {
    stage: "tls",
    says: ["The certificate of {target} is for {names}, not for {serverName}."],
    remedy: [
      { text: "Issue the certificate for {serverName}, or set config.tls.serverName to a name that it has." },
      inspectCertificate,
    ],
  },
  tls_handshake_failed: {
    stage: "tls",
    says: [
      "{address} {how} the connection during the TLS handshake.",
      "{address} and the connector have no TLS version or cipher in common ({code}).",
    ],
    remedy: [
      {
        text: "Let the server offer TLS 1.2 or 1.3 with a current cipher, and read its own log at this moment.",
      },
      inspectCertificate,
    ],
  },
  tls_timeout: {
    stage: "tls",
    says: ["{address} took the connection but did not finish the TLS handshake within {limit}."],
    remedy: [
      {
        text: "Read the server's own log: it takes connections but does not answer; it may be overloaded or stopped.",
      },
      inspectCertificate,
    ],
  },
  tls_required: {
    stage: "tls",
    says: ["{address} accepts only encrypted connections."],
    remedy: [
      [
        { text: "Write the address of {integration} as {secureUrl}." },
        { text: "Set config.tls.mode of {integration} to verify." },
      ],
      {
        text: "If it must stay without encryption, let pg_hba.conf take the connector's address {egress} that way (a line of type host or hostnossl), then reload it.",
        command: "psql -h {host} -p {port} -d {database} -c 'select * from pg_hba_file_rules'",
      },
    ],
  },
  tls_unsupported: {
    stage: "tls",
    says: ["{address} answered, but not in TLS: that port does not offer it."],
    remedy: [
      { text: "Switch TLS on at the server, or use the port that offers it." },
      [
        { text: "If it must stay without encryption, write the address of {integration} as {plainUrl}." },
        { text: "If it must stay without encryption, set config.tls.mode of {integration} to {plainMode}." },
      ],
    ],
  },
  client_certificate_required: {
    stage: "tls",
    says: ["{address} demands a client certificate, and the connector has none to show."],
    remedy: [
      {
        text: "Let the server accept the connector without a client certificate: Mooring cannot show one yet.",
      },
      inspectCertificate,
    ],
  },
  certificate_expiring: {
    stage: "tls",
    says: ["The certificate of {target} expires at {notAfter}, in {left}."],
    remedy: [{ text: "Renew the certificate before that and have the server load it." }, inspectCertificate],
  },
  tls_unverified: {
    stage: "tls",
    says: [
      "The connection to {target} is encrypted, but nobody checked whose certificate it is (tls.mode: require).",
    ],
    remedy: [
      {
        text: "Set config.tls.mode of {integration} to verify, with the issuer's certificate as config.tls.ca.",
      },
    ],
  },

  // respond
  protocol_mismatch: {
    stage: "respond",
    says: [
      "{address} answered in {protocol}, but broke its rules ({broken}).",
      "{address} answered, but not in {protocol}: it speaks {spoken}.",
      "{address} answered, but not in {protocol}.",
    ],
    remedy: [
      [
        { text: "Read the server's own log at this moment, and mend what it sends ({broken})." },
        {
          text: "Correct the port, or the type of {integration}: another program listens on port {port} of {host}.",
        },
      ],
      tryPort,
    ],
  },
  response_timeout: {
    stage: "respond",
    condition: "integration_unreachable", // A server that falls silent over a login says nothing about the secret.
    says: ["{address} took the connection but did not finish its answer within {limit}."],
    remedy: [
      { text: "Read the server's own log: it is overloaded, waits for something, or hangs." },
      { text: "If it is meant to be this slow, give {integration} a longer timeout." },
    ],
  },
  response_too_large: {
    stage: "respond",
    says: ["{address} sent more than {budget} and its answer was still not complete."],
    remedy: [
      [
        {
          text: "Point {integration} at a smaller page, such as a health endpoint, or set config.method to HEAD.",
          command: "curl -sv -o /dev/null {url}",
        },
        {
          text: "Correct the port, or the type of {integration}: a {protocol} server does not send this much.",
        },
      ],
    ],
  },
  unexpected_status: {
    stage: "respond",
    says: [
      "{url} answered {status} and points to {location}; redirects are not followed.",
      "{url} answered {status}; expected was {expected}.",
    ],
    remedy: [
      [
        {
          text: "Set config.url of {integration} to {location}, or add {status} to config.expect.status.",
          command: "curl -sv -o /dev/null {url}",
        },
        {
          text: "Correct config.url, or add {status} to config.expect.status of {integration}.",
          command: "curl -sv -o /dev/null {url}",
        },
      ],
    ],
  },
  unexpected_body: {
    stage: "respond",
    says: ["{url} answered {status}, but its body does not contain the text of config.expect.body."],
    remedy: [
      { text: "Compare the body with config.expect.body of {integration}.", command: "curl -s {url}" },
    ],
  },
  server_starting: {
    stage: "respond",
    says: ["{address} is starting or stopping and takes no logins yet ({code})."],
    remedy: [{ text: "Wait: this ends by itself. If it lasts, read the server's own log." }, watchEndpoints],
  },
  server_overloaded: {
    stage: "respond",
    says: ["{address} answered that it is overloaded ({code})."],
    remedy: [
      { text: "Give the server more room, or take load from it; read its own log at this moment." },
      watchEndpoints,
    ],
  },
  too_many_connections: {
    stage: "respond",
    says: ["{address} has no connection left for the connector ({code})."],
    remedy: [
      {
        text: "See who holds the connections.",
        command:
          "psql -h {host} -p {port} -d {database} -c 'select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc'",
      },
      { text: "Close what is not needed, raise the server's limit, or put a pooler in front of it." },
    ],
  },
  rate_limited: {
    stage: "respond",
    says: [
      "{address} answered {status}: too many requests; it asks to wait {retryAfter}.",
      "{address} answered {status}: too many requests.",
    ],
    remedy: [{ text: "Raise the limit for the connector, or give {integration} a longer interval." }],
  },
  server_error: {
    stage: "respond",
    says: [
      "{url} answered {status}: the server failed while it answered.",
      "{address} failed while it answered ({code}).",
    ],
    remedy: [{ text: "Read the server's own log at this moment." }, watchEndpoints],
  },
  provider_incident: { stage: "respond" },

  // secret
  secret_not_found: {
    stage: "secret",
    says: [
      "There is no file {file}.",
      "The environment variable {variable} is not set.",
      "The store {store} has no secret {secret}.",
    ],
    remedy: [
      [
        { text: "Mount the secret there, or correct secret.path of {integration}.", command: "ls -l {file}" },
        {
          text: "Set {variable} in the connector's environment, or correct secret.variable of {integration}.",
        },
        { text: "Make the secret, or correct its name in {integration}." },
      ],
    ],
  },
  secret_forbidden: {
    stage: "secret",
    says: [
      "The connector may not read the file {file} ({code}).",
      "The connector may not read secret {secret}.",
    ],
    remedy: [
      [
        { text: "Let the connector's user read the file.", command: "ls -l {file}" },
        { text: "Let the connector read secret {secret}." },
      ],
    ],
  },
  secret_not_tagged: {
    stage: "secret",
    says: ["Secret {secret} does not have the {gate} {gateKey}: true, so the connector leaves it alone."],
    remedy: [
      { text: "If the connector is meant to read secret {secret}, give it the {gate} {gateKey}: true." },
      { text: "To read secrets without it, set optIn.required: false in the config of the store {store}." },
    ],
  },
  secret_region_mismatch: {
    stage: "secret",
    says: ["Secret {secret} is in {actualRegion}, and the connector looks in {region}."],
    remedy: [{ text: "Set secret.region of {integration} to {actualRegion}." }],
  },
  secret_disabled: {
    stage: "secret",
    says: ["Secret {secret} is {disabledHow}.", "Secret {secret} is disabled."],
    remedy: [{ text: "Enable secret {secret} again, or name another version of it in {integration}." }],
  },
  secret_decrypt_forbidden: {
    stage: "secret",
    says: ["The connector may read secret {secret}, but not decrypt it."],
    remedy: [{ text: "Let the connector's identity use the key that secret {secret} is encrypted with." }],
  },
  store_unreachable: {
    stage: "secret",
    says: [
      "The file {file} could not be read ({code}).",
      "The store {store} at {endpoint} failed: it answered {status}.",
      "The store {store} at {endpoint} could not be reached: {trouble}.",
      "The store {store} could not be reached.",
    ],
    remedy: [
      [
        { text: "See whether the volume of that file works.", command: "ls -l {file}" },
        {
          text: "Let the connector reach {endpoint}: names, network policies, firewalls, proxy, certificates.",
        },
        { text: "See whether the store {store} is up and reachable from the connector." },
      ],
    ],
  },
  store_timeout: {
    stage: "secret",
    says: [
      "The store {store} at {endpoint} did not give secret {secret} within {limit}.",
      "The store {store} did not give secret {secret} within {limit}.",
      "The store {store} did not give secret {secret} in time.",
    ],
    remedy: [
      [
        { text: "See whether the volume of that file works.", command: "ls -l {file}" },
        { text: "See whether the store {store} is up and reachable from the connector." },
      ],
    ],
  },
  store_rate_limited: {
    stage: "secret",
    says: [
      "The store {store} takes no more requests for now ({code}); the connector waits {retryAfter}.",
      "The store {store} takes no more requests for now.",
    ],
    remedy: [{ text: "Raise the store's limit, or set a longer reread in the config of the store {store}." }],
  },
  store_sealed: {
    stage: "secret",
    says: ["The store {store} at {endpoint} is {sealedHow}.", "The store {store} is sealed."],
    remedy: [{ text: "Unseal the store {store}." }],
  },
  store_identity_rejected: {
    stage: "secret",
    says: [
      "The store {store} does not take the connector as {identity}: the clock here is {skew} off.",
      "The store {store} does not take the connector as {identity}: {trouble}.",
      "The connector has no identity for the store {store}: {trouble}.",
      "The store {store} does not take the connector's identity.",
    ],
    remedy: [{ text: "Give the connector an identity that the store {store} knows." }],
  },
  policy_forbidden: {
    stage: "secret",
    says: [
      "The connector's own policy does not let {asker} make it dial {forbiddenTarget}.",
      "The connector's own policy does not let {asker} make it read secret {forbiddenSecret} for {target}.",
      "The connector's own policy does not allow it: {problem}.",
      "The connector's own policy does not allow it.",
    ],
    remedy: [
      [
        {
          text: "Name a Secret of namespace {ownNamespace} instead of {foreignSecret}: only the connector's own configuration file may use one of another namespace.",
        },
        {
          text: "Write a Service of this namespace as NAME.{ownNamespace}.svc; if {forbiddenTarget} is meant, have it listed under policy.{section}.targets in the connector's own configuration file.",
        },
        {
          text: "If it is meant, list {forbiddenTarget} under policy.{section}.targets in the connector's own configuration file.",
        },
        {
          text: "If it is meant, list secret {forbiddenSecret} with its target under policy.{section}.secrets in the connector's own configuration file.",
        },
        { text: "If it is meant, allow it under policy in the connector's own configuration file." },
      ],
    ],
  },
  secret_expiring: {
    stage: "secret",
    says: [
      "Secret {secret} ends at {expires}, in {left}.",
      "Secret {secret} ended at {expires} and is still given.",
    ],
    remedy: [{ text: "Write a new version of secret {secret} before then." }, lookAtSecret],
  },
  secret_stale: {
    stage: "secret",
    says: [
      "{integration} pins version {version} of secret {secret}; the newest is {newerVersion}.",
      "Secret {secret} was last changed at {changed}, {age} ago.",
    ],
    remedy: [
      [
        { text: "Leave out secret.version of {integration}, or set it to {newerVersion}." },
        { text: "Rotate secret {secret}: the store's config allows {mostAge}." },
      ],
    ],
  },
  secret_unparsable: {
    stage: "secret",
    condition: "secret_invalid",
    says: [
      "Field {key} of secret {secret} is not a string.",
      "Secret {secret} cannot be read as {form}: {trouble}.",
    ],
    remedy: [{ text: "Write the secret as {example}." }, lookAtSecret],
  },
  secret_field_missing: {
    stage: "secret",
    condition: "secret_invalid",
    says: [
      "Secret {secret} has no field {key}; it has {near}, which may be the same.",
      "Secret {secret} has no field {key}.",
    ],
    remedy: [
      [
        {
          text: "Add the field {key} to the secret, or map it: set secret.fields.{field} of {integration} to {near}.",
        },
        {
          text: "Add the field {key} to the secret, or name the right one as secret.fields.{field} of {integration}.",
        },
      ],
      lookAtSecret,
    ],
  },
  secret_field_empty: {
    stage: "secret",
    condition: "secret_invalid",
    says: ["Field {key} of secret {secret} is empty.", "Secret {secret} is empty."],
    remedy: [{ text: "Write a value into it." }, lookAtSecret],
  },

  // authenticate
  credentials_rejected: {
    stage: "authenticate",
    says: [
      "{url} answered {status}: it does not accept the login in secret {secret}.",
      "{address} does not accept the user name and password in secret {secret} ({code}).",
    ],
    remedy: [
      {
        text: "Put a login that works into secret {secret}: it is tried when the secret is read next, or by a refresh.",
      },
      lookAtSecret,
      {
        text: "Or, where the secret is right, mend the account at the target: its password there may be another one.",
      },
    ],
  },
  credentials_expired: { stage: "authenticate" },
  token_expired: {
    stage: "authenticate",
    says: ["{url} answered {status}: the token in secret {secret} has expired."],
    remedy: [
      {
        text: "Put a new token into secret {secret}: it is tried when the secret is read next, or by a refresh.",
      },
      lookAtSecret,
    ],
  },
  account_locked: {
    stage: "authenticate",
    says: ["{address} knows the account in secret {secret} but does not let it log in ({code})."],
    remedy: [
      {
        text: "Let that account log in, or name another in secret {secret}.",
        command: "psql -h {host} -p {port} -d {database} -c '\\du'",
      },
    ],
  },
  auth_method_unsupported: {
    stage: "authenticate",
    condition: "integration_unreachable",
    says: ["{address} asks for a login by {method}, which the connector cannot do."],
    remedy: [
      {
        text: "Let the server accept scram-sha-256 from the connector: a line in pg_hba.conf.",
        command: "psql -h {host} -p {port} -d {database} -c 'select * from pg_hba_file_rules'",
      },
    ],
  },
  source_address_denied: {
    stage: "authenticate",
    condition: "integration_unreachable",
    says: ["{address} lets nobody log in to database {database} from {egress} with this account ({code})."],
    remedy: [
      {
        text: "Allow the connector's address {egress} in pg_hba.conf, then reload it.",
        command: "psql -h {host} -p {port} -d {database} -c 'select * from pg_hba_file_rules'",
      },
    ],
  },
  ssh_key_format_unsupported: { stage: "authenticate" },
  ssh_key_passphrase_required: { stage: "authenticate" },
  ssh_key_rejected: { stage: "authenticate" },
  ssh_host_key_unknown: { stage: "authenticate", condition: "integration_unreachable" },
  ssh_host_key_changed: { stage: "authenticate", condition: "integration_unreachable" },

  // authorize
  permission_denied: {
    stage: "authorize",
    says: [
      "{url} answered {status}: the login in secret {secret} is known, but it may not {right}.",
      "The account in secret {secret} lacks the right {right} ({code}).",
    ],
    remedy: [
      [
        { text: "Give the account in secret {secret} the right to {method} {url}." },
        {
          text: "Grant {right} to the account in secret {secret}.",
          command: "psql -h {host} -p {port} -d postgres -c '\\l {database}'",
        },
      ],
    ],
  },
  database_not_found: {
    stage: "authorize",
    condition: "integration_unreachable",
    says: ["{address} has no database {database} ({code})."],
    remedy: [
      {
        text: "Create it, or correct config.database of {integration}.",
        command: "psql -h {host} -p {port} -d postgres -l",
      },
    ],
  },
  repository_not_found: { stage: "authorize", condition: "integration_unreachable" },
  repository_read_denied: { stage: "authorize" },

  // discover, grant, revoke
  discovery_forbidden: { stage: "discover" },
  discovery_timeout: { stage: "discover" },
  request_timeout: { stage: "grant" },
  principal_not_found: { stage: "grant" },
  resource_not_found: { stage: "grant" },
  role_not_grantable: { stage: "grant" },
  grant_forbidden: { stage: "grant" },
  request_expired: { stage: "grant" },

  // connector
  heartbeat_missed: {
    stage: "connector",
    says: [
      "No heartbeat of connector {connector} has come for {silence}; the last one came at {lastHeartbeat}.",
      "No heartbeat of connector {connector} has come for {silence}.",
      "Connector {connector} is silent.",
    ],
    remedy: [
      [
        {
          text: "See whether its pod runs.",
          command: "kubectl -n {namespace} get pods -l app.kubernetes.io/instance={release}",
        },
        {
          text: "See whether its process runs, on the machine where it was started.",
          command: "pgrep -af {process}",
        },
        { text: "See whether its process runs." },
      ],
      [
        {
          text: "Read what it says of the control plane.",
          command: "kubectl -n {namespace} logs -l app.kubernetes.io/instance={release} --tail=50",
        },
        { text: "Read in its log what it says of the control plane." },
      ],
      {
        text: "Let its network reach {controlPlane}: the connector opens the connection, nothing needs to reach it.",
      },
    ],
  },
  never_connected: {
    stage: "connector",
    says: [
      "Connector {connector} has not connected since it was added.",
      "The connector has never connected.",
    ],
    remedy: [
      {
        text: "Install it with a join token of its own.",
        command: "mooring token create {connector}",
      },
      { text: "If it is installed, read its log: it says what stops it from reaching {controlPlane}." },
    ],
  },
  connector_too_old: { stage: "connector" },
  duplicate_identity: {
    stage: "connector",
    says: [
      "Two instances use the identity of connector {connector}: {sitting} is connected, {refused} was refused.",
      "Another instance uses the identity of this connector.",
    ],
    remedy: [
      {
        text: "Find the second pod, which may be in another cluster, and remove it.",
        command: "kubectl get pods --all-namespaces -l app.kubernetes.io/name=mooring-connector",
      },
      {
        text: "If both are meant to run, give the second a name and a join token of its own.",
      },
    ],
  },
  clock_skew: {
    stage: "connector",
    says: [
      "The clock of connector {connector} is {skew} {direction} the control plane's.",
      "The clocks of the connector and of the control plane differ by more than a minute.",
    ],
    remedy: [
      { text: "Compare the clocks of the connector's node and of the control plane.", command: "date -u" },
      { text: "Let both follow the same time servers (NTP)." },
    ],
  },
  suspended: {
    stage: "connector",
    says: ["Its configuration says suspend: true."],
    remedy: [{ text: "Set suspend of {integration} to false to have it checked again." }],
  },
  config_invalid: {
    stage: "connector",
    says: [
      "The configuration of connector {connector} was refused, and the last good one is in use: {problem}.",
      "The configuration was refused, and the last good one is in use.",
    ],
    remedy: [
      [
        {
          text: "Correct the configuration; it is read again as soon as it changes.",
          command: "kubectl -n {namespace} logs -l app.kubernetes.io/instance={release} --tail=50",
        },
        { text: "Correct the configuration; it is read again as soon as it changes." },
      ],
      [
        { text: "Check the file before it is rolled out.", command: "mooring check {file}" },
        { text: "Check the file with mooring check before it is rolled out." },
      ],
    ],
  },
  config_conflict: { stage: "connector" },
  unknown: {
    stage: "connector",
    says: [
      "The stage {stage} failed in a way that Mooring does not know ({code}).",
      "The stage {stage} failed in a way that Mooring does not know.",
    ],
    remedy: [
      { text: "Read the connector's log at this moment, and tell the Mooring project what it says." },
      tryPort,
    ],
  },
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof REASONS;

/** The row of a code, with its optional members visible. */
export function reasonRow(code: ReasonCode): Reason {
  return REASONS[code];
}

/** Under which of the six sentences a failure stands: the reason's own row decides, else the stage. */
export function conditionOf(stage: Stage, code: ReasonCode, discovers: boolean): Condition {
  const own = reasonRow(code).condition;
  if (own !== undefined) return own;
  switch (stage) {
    case "resolve":
    case "connect":
    case "tls":
    case "respond":
      return "integration_unreachable";
    case "secret":
      return "secret_unreachable";
    case "authenticate":
      return "secret_invalid";
    case "authorize":
      return discovers ? "discovery_failed" : "integration_unreachable";
    case "discover":
      return "discovery_failed";
    case "grant":
    case "revoke":
      return "requests_failing";
  }
}

/** What a stage that runs out of time is called. */
export const TIMEOUTS: Readonly<Record<Stage, ReasonCode>> = {
  resolve: "dns_timeout",
  connect: "connect_timeout",
  tls: "tls_timeout",
  secret: "store_timeout",
  respond: "response_timeout",
  authenticate: "response_timeout",
  authorize: "response_timeout",
  discover: "discovery_timeout",
  grant: "request_timeout",
  revoke: "request_timeout",
};
