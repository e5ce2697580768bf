import { createAuthority } from "./certificates.ts";
import type { Guard } from "./guard.ts";
import { startPostgres } from "./postgres.ts";
import type { Secrets } from "./secrets.ts";
import type { DemoItem, Targets } from "./site.ts";
import { toggle } from "./toggle.ts";

const PASSWORD = "only-in-the-demo";

/** A real PostgreSQL with one database that works and some that fail. Throws PostgresAbsent. */
export async function startDatabases(
  stack: AsyncDisposableStack,
  secrets: Secrets,
  { stop, guard }: { readonly stop: AbortSignal; readonly guard: Guard },
): Promise<Targets> {
  const authority = await createAuthority("Mooring demo database");
  const certificate = await authority.issue({ names: ["127.0.0.1"] });
  const onDirectory = (directory: string): void => guard.watch(directory);
  const postgres = stack.use(
    await startPostgres({ superuserPassword: PASSWORD, tls: certificate, onDirectory }, stop),
  );
  for (const statement of [
    `create role orders login password '${PASSWORD}'`,
    `create role reports login password '${PASSWORD}'`,
    `create role former nologin password '${PASSWORD}'`,
    "create database orders",
    "create database audit",
    "revoke connect on database audit from public",
  ]) {
    stop.throwIfAborted();
    await postgres.sql(statement);
  }
  const ca = await secrets.writeText("database-ca.pem", authority.certPem);
  const at = (database: string): DemoItem["config"] => ({
    host: "127.0.0.1",
    port: postgres.port,
    database,
    tls: { ca },
  });
  const login = (username: string, password = PASSWORD): Promise<DemoItem["secret"] & object> =>
    secrets.write(`${username}.json`, { username, password });
  const item = (name: string, database: string, secret: DemoItem["secret"] & object): DemoItem => ({
    name,
    type: "postgresql",
    config: at(database),
    secret,
  });
  const items = [
    item("orders-db", "orders", await login("orders")),
    item("reports-db", "orders", await login("reports", "changed-long-ago")),
    item("ledger-db", "ledger", await login("orders")),
    item("audit-db", "audit", await login("orders")),
    item("crm-db", "orders", await login("former")),
    item("users-db", "orders", { store: "file", path: "./users.json" }),
    item("events-db", "orders", await secrets.write("events.json", { username: "orders", pass: PASSWORD })),
  ];
  const server = toggle("d", SERVER, { breaks: () => postgres.stop("fast"), heals: () => postgres.start() });
  const sql = (text: string) => (): Promise<unknown> => postgres.sql(text);
  const password = toggle("p", LOGIN, {
    breaks: sql("alter role orders password 'another one'"),
    heals: sql(`alter role orders password '${PASSWORD}'`),
  });
  return { items, toggles: [server, password] };
}

const SERVER = {
  breaks: "stop the database server",
  broke: "The database server was stopped.",
  heals: "start the database server",
  healed: "The database server runs again.",
};

const LOGIN = {
  breaks: "change the password of orders-db at the server",
  broke: "The server wants another password than the secret has.",
  heals: "change the password back",
  healed:
    "The server wants the password of the secret again. A rejected one rests 15 minutes: press Refresh on the page.",
};
