import type {
  AuditRow,
  BucketRow,
  CommandRow,
  ConnectorRow,
  ConnectorState,
  IdentityRow,
  IntegrationRow,
  JoinTokenRow,
  SecretRow,
  StreamRow,
  TransitionRow,
} from "./rows.ts";

/** Why the store refused. `message` is fit for a person. */
export class StoreError extends Error {
  readonly kind: "not_ours" | "newer" | "full" | "unwritable" | "in_use" | "broken";
  constructor(kind: StoreError["kind"], message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "StoreError";
    this.kind = kind;
  }
}

/**
 * One transaction: reads see what it wrote. Its methods are awaited one after another, and nothing else is
 * awaited inside: a transaction does no I/O of its own.
 */
export interface Transaction {
  connector(id: string): Promise<ConnectorRow | undefined>;
  connectorByName(name: string): Promise<ConnectorRow | undefined>;
  putConnector(row: ConnectorRow): Promise<void>;
  /** Removes the connector and all that hangs on it. */
  removeConnector(id: string): Promise<void>;

  stream(connectorId: string, streamId: string): Promise<StreamRow | undefined>;
  /** Writes the row, and keeps the eight streams of the connector that were used last. */
  putStream(row: StreamRow): Promise<void>;
  /** Every other stream of the connector needs a snapshot when it is taken up again. */
  doubtOtherStreams(connectorId: string, streamId: string): Promise<void>;

  integration(connectorId: string, name: string): Promise<IntegrationRow | undefined>;
  /** All of one connector, by name. */
  integrations(connectorId: string): Promise<readonly IntegrationRow[]>;
  countOf(connectorId: string): Promise<number>;
  putIntegration(row: IntegrationRow): Promise<void>;
  removeIntegration(connectorId: string, name: string): Promise<void>;

  /** All of one connector, by id. */
  secrets(connectorId: string): Promise<readonly SecretRow[]>;
  putSecret(row: SecretRow): Promise<void>;
  removeSecret(connectorId: string, id: string): Promise<void>;
  addTransition(row: TransitionRow): Promise<void>;

  command(id: string): Promise<CommandRow | undefined>;
  commandByIdempotency(hash: string): Promise<CommandRow | undefined>;
  putCommand(row: CommandRow): Promise<void>;

  joinTokenByHash(hash: string): Promise<JoinTokenRow | undefined>;
  putJoinToken(row: JoinTokenRow): Promise<void>;
  /** Whether there was one. */
  removeJoinToken(id: string): Promise<boolean>;
  /** Keeps a token's id until it expires; false where it was kept already. */
  keepTokenId(jti: string, expiresAt: number): Promise<boolean>;

  identity(id: string): Promise<IdentityRow | undefined>;
  /** The identities of that issuer and subject; those that were registered first come first. */
  identitiesOf(issuer: string, subject: string): Promise<readonly IdentityRow[]>;
  /** Adds or replaces, by its id. Of one connector, issuer and subject there is one. */
  putIdentity(row: IdentityRow): Promise<void>;
  /** Whether there was one. */
  removeIdentity(id: string): Promise<boolean>;

  addAudit(row: AuditRow): Promise<void>;
  /** Adds or replaces. */
  putBucket(row: BucketRow): Promise<void>;
  putSetting(name: string, value: string): Promise<void>;
  setting(name: string): Promise<string | undefined>;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Handed back to get what follows, or null at the end. */
  readonly next: string | null;
}

export interface Paging {
  /** 1 … 500 */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface IntegrationFilter {
  readonly connectorId?: string | undefined;
  /** As it is shown: `unknown` for all behind a silent connector. */
  readonly state?: string | undefined;
  readonly type?: string | undefined;
  /** As it is shown. */
  readonly condition?: string | undefined;
}

export interface SecretFilter {
  readonly connectorId?: string | undefined;
  /** As it is shown: `unknown` for all behind a silent connector. */
  readonly state?: string | undefined;
  readonly store?: string | undefined;
}

export interface IntegrationCount {
  readonly connectorId: string;
  readonly state: string;
  readonly condition: string | null;
  readonly count: number;
}

/** What is stored and committed. A malformed cursor throws a RangeError. */
export interface Reads {
  connector(id: string): Promise<ConnectorRow | undefined>;
  connectorByName(name: string): Promise<ConnectorRow | undefined>;
  /** By name. */
  connectors(paging: Paging): Promise<Page<ConnectorRow>>;
  allConnectors(): Promise<readonly ConnectorRow[]>;
  integration(connectorId: string, name: string): Promise<IntegrationRow | undefined>;
  /** By the connector's id, then by name. */
  integrations(filter: IntegrationFilter, paging: Paging): Promise<Page<IntegrationRow>>;
  secret(connectorId: string, id: string): Promise<SecretRow | undefined>;
  /** By the connector's id, then by their own. */
  secrets(filter: SecretFilter, paging: Paging): Promise<Page<SecretRow>>;
  /** Stored states, counted; one connector's, or all. */
  countIntegrations(connectorId?: string): Promise<readonly IntegrationCount[]>;
  /** Stored as error or warning, behind connectors that are not silent; most recent first, at most `limit`. */
  troubled(limit: number): Promise<readonly IntegrationRow[]>;
  /** Newest first. `before` and `after` are epoch milliseconds, exclusive. */
  history(
    of: { readonly connectorId: string; readonly name: string },
    between: { readonly before?: number | undefined; readonly after?: number | undefined },
    paging: Paging,
  ): Promise<Page<TransitionRow>>;
  /** Oldest first; name "" is the connector's heartbeats. */
  buckets(connectorId: string, name: string, since: number): Promise<readonly BucketRow[]>;
  command(id: string): Promise<CommandRow | undefined>;
  /** Commands that are not ended, in the order in which they were asked for. */
  openCommands(): Promise<readonly CommandRow[]>;
  joinTokens(paging: Paging): Promise<Page<JoinTokenRow>>;
  identities(paging: Paging): Promise<Page<IdentityRow>>;
  /** The identities of that issuer and subject; those that were registered first come first. */
  identitiesOf(issuer: string, subject: string): Promise<readonly IdentityRow[]>;
  /** Newest first. */
  audit(paging: Paging): Promise<Page<AuditRow>>;
}

/** How long, and how many, rows of the past are kept. */
export interface Retention {
  readonly transitionsBefore: number;
  readonly transitionsMost: number;
  readonly bucketsBefore: number;
  readonly commandsBefore: number;
  readonly auditMost: number;
  readonly now: number;
}

/** Where everything is kept. */
export interface Store extends Reads {
  /**
   * Runs the work in a transaction and resolves after it is on the disk. Works run one at a time, in the order
   * of the calls; what waits together is committed together. A work that throws changes nothing, and its error
   * is thrown here. Throws a StoreError where the disk refuses.
   */
  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Removes what is too old, a bounded number of rows. True where more is left. */
  prune(retention: Retention): Promise<boolean>;
  /** Why the last commit failed, until one succeeds again. Fit for a person. */
  readonly trouble: string | undefined;
  /** Ends after the transactions that were asked for. */
  close(): Promise<void>;
}

/** States in which a connector's integrations are unknown. */
export const SILENT: readonly ConnectorState[] = ["unreachable", "offline", "never_connected"];
