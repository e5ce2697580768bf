/** The schema, step by step. A step that was released is never edited: its checksum is kept in the database. */
export const MIGRATIONS: readonly string[] = [
  `
create table setting (name text primary key, value text not null) strict, without rowid;

create table connector (
  id text primary key, name text not null unique, created_at integer not null, revoked_at integer,
  key text, next_key text, epoch integer not null, state text not null, since integer not null,
  troubles text not null, version text, install text, instance_id text, last_heartbeat_at integer
) strict, without rowid;

create table stream (
  connector_id text not null references connector on delete cascade, stream_id text not null,
  mark integer not null, snapshot_pending integer not null, used_at integer not null,
  primary key (connector_id, stream_id)
) strict, without rowid;

create table integration (
  connector_id text not null references connector on delete cascade, name text not null,
  type text not null, source text not null, state text not null, condition text, stage text, reason text,
  report text not null, since integer not null, observed_at integer not null,
  checked_at integer, next_check_at integer, pending integer not null,
  primary key (connector_id, name)
) strict, without rowid;
create index integration_trouble on integration (since desc) where state in ('error', 'warning');

create table transition (
  id integer primary key, connector_id text not null references connector on delete cascade,
  name text not null, at integer not null, "from" text, "to" text, condition text, stage text, reason text,
  message text not null, observed text not null, coalesced integer not null
) strict;
create index transition_of on transition (connector_id, name, id desc);
create index transition_at on transition (at);

create table command (
  id text primary key, connector_id text not null references connector on delete cascade,
  kind text not null, resource_key text not null, args text not null, state text not null,
  attempt integer not null, created_at integer not null, deadline_at integer not null, ended_at integer,
  actor text not null, idempotency text unique, stages text not null, outcome text, reason text,
  message text, result text, refreshed integer
) strict, without rowid;
create index command_open on command (created_at) where ended_at is null;
create index command_of on command (connector_id);
create index command_ended on command (ended_at) where ended_at is not null;

create table join_token (
  id text primary key, hash text not null unique, connector text not null, created_at integer not null,
  expires_at integer not null, used_key_id text, used_at integer, connector_id text
) strict, without rowid;

create table token_id (jti text primary key, expires_at integer not null) strict, without rowid;
create index token_id_expiry on token_id (expires_at);

create table audit (
  id integer primary key, at integer not null, actor text not null, action text not null,
  target text not null, outcome text not null
) strict;

create table bucket (
  connector_id text not null references connector on delete cascade, name text not null, at integer not null,
  state text not null, count integer not null, min_ms real not null, median_ms real not null,
  max_ms real not null, primary key (connector_id, name, at)
) strict, without rowid;
create index bucket_at on bucket (at);
`,
  `
alter table connector add column lease text;

create table secret (
  connector_id text not null references connector on delete cascade, id text not null, store text not null,
  state text not null, item text not null, observed_at integer not null,
  primary key (connector_id, id)
) strict, without rowid;

create table identity (
  id text primary key, connector_id text not null references connector on delete cascade,
  connector text not null, issuer text not null, subject text not null, jwks text,
  created_at integer not null, used_at integer, unique (connector_id, issuer, subject)
) strict, without rowid;
create index identity_of on identity (issuer, subject);
`,
];
