import type { IncomingMessage, ServerResponse } from "node:http";
import { httpServer, httpsServer, type Target } from "../../fake/targets.ts";

/** A request as it came: what was asked of which service, and who signed it. */
export interface Came {
  /** `GetSecretValue`, `AssumeRole`, or `GET /path`. */
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Of the signature's scope; empty where it is not signed. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string;
  readonly headers: IncomingMessage["headers"];
  /** The TCP port of the other end: the same for the same connection. */
  readonly from: number;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Never answers. */
  readonly silent?: boolean;
}

export type Script = Readonly<Record<string, Answer | ((came: Came) => Answer)>>;

export interface FakeAws extends AsyncDisposable {
  readonly url: string;
  readonly came: Came[];
  /** The operations in their order. */
  readonly asked: () => string[];
}

/**
 * Secrets Manager and STS on the wire, at one port: the JSON and the query protocol. An operation that the script does
 * not name is denied as AWS does it where no policy allows it.
 */
export async function fakeAws(
  script: Script,
  secure?: { readonly key: string; readonly cert: string },
): Promise<FakeAws> {
  const came: Came[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void =>
    void serve(script, came, request, response);
  const target: Target =
    secure === undefined ? await httpServer(listener) : await httpsServer(secure, listener);
  return {
    url: `${secure === undefined ? "http" : "https"}://127.0.0.1:${target.port}`,
    came,
    asked: () => came.map(({ operation }) => operation),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}

async function serve(
  script: Script,
  came: Came[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const one = cameOf(request, Buffer.concat(chunks).toString("utf8"));
  came.push(one);
  const scripted = script[one.operation];
  const answer = (typeof scripted === "function" ? scripted(one) : scripted) ?? unscripted(one);
  if (answer.silent === true) return;
  const { status = 200, body = {}, headers = {} } = answer;
  response.writeHead(status, { "x-amzn-requestid": "0d1e2f3a-1111-2222-3333-444455556666", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function cameOf(request: IncomingMessage, text: string): Came {
  const { headers } = request;
  const [, accessKeyId = "", region = ""] =
    /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(headers.authorization ?? "") ?? [];
  const target = String(headers["x-amz-target"] ?? "").split(".")[1];
  const form = new URLSearchParams(text);
  const operation = target ?? form.get("Action") ?? `${request.method} ${request.url}`;
  return {
    operation,
    body: target === undefined ? Object.fromEntries(form) : (JSON.parse(text) as Record<string, unknown>),
    region,
    accessKeyId,
    sessionToken: String(headers["x-amz-security-token"] ?? ""),
    headers,
    from: request.socket.remotePort ?? 0,
  };
}

const STS_OPERATIONS = new Set(["AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity"]);

function unscripted({ operation, body }: Came): Answer {
  if (STS_OPERATIONS.has(operation))
    return stsError("AccessDenied", denied(`sts:${operation}`, String(body["RoleArn"])));
  if (operation.includes(" ")) return { status: 404 };
  return error(
    "AccessDeniedException",
    denied(`secretsmanager:${operation}`, JSON.stringify(body["SecretId"] ?? "*").slice(1, -1)),
  );
}

export const PRINCIPAL = "arn:aws:sts::111122223333:assumed-role/mooring/mooring";

/** AWS's words where no identity-based policy allows it. */
export function denied(
  action: string,
  resource: string,
  why = `because no identity-based policy allows the ${action} action`,
): string {
  return `User: ${PRINCIPAL} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
}

/** An error of Secrets Manager. https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html */
export function error(code: string, message: string, status = 400, headers: Answer["headers"] = {}): Answer {
  const type = { "content-type": "application/x-amz-json-1.1" };
  return { status, body: { __type: code, Message: message, message }, headers: { ...type, ...headers } };
}

/** An error of STS. https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html */
export function stsError(
  code: string,
  message: string,
  status = 403,
  headers: Answer["headers"] = {},
): Answer {
  const text = message.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${text}</Message></Error><RequestId>aaaa-bbbb</RequestId></ErrorResponse>`;
  return { status, body, headers: { "content-type": "text/xml", ...headers } };
}

export interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly endsAt?: Date;
}

/** What STS gives for a role. */
export function stsKeys(operation: "AssumeRole" | "AssumeRoleWithWebIdentity", session: Session): Answer {
  const { accessKeyId, secretAccessKey, sessionToken, endsAt = new Date(Date.now() + 3_600_000) } = session;
  const keys = `<Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken><Expiration>${endsAt.toISOString()}</Expiration></Credentials>`;
  const body = `<${operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${operation}Result>${keys}</${operation}Result><ResponseMetadata><RequestId>aaaa-bbbb</RequestId></ResponseMetadata></${operation}Response>`;
  return { body, headers: { "content-type": "text/xml" } };
}

export const SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/orders-db-AbCdEf";

/** A value, as GetSecretValue gives it. */
export function value(text: string, more: Readonly<Record<string, unknown>> = {}): Answer {
  const body = {
    ARN: SECRET_ARN,
    Name: "prod/orders-db",
    VersionId: "11111111-2222-3333-4444-555555555555",
    VersionStages: ["AWSCURRENT"],
    CreatedDate: 1_790_000_000.123,
    SecretString: text,
    ...more,
  };
  return { body, headers: { "content-type": "application/x-amz-json-1.1" } };
}

/** What DescribeSecret gives. */
export function description(more: Readonly<Record<string, unknown>> = {}): Answer {
  const body = {
    ARN: SECRET_ARN,
    Name: "prod/orders-db",
    Tags: [{ Key: "mooring-connector-read", Value: "true" }],
    VersionIdsToStages: {
      "11111111-2222-3333-4444-555555555555": ["AWSCURRENT"],
      "00000000-2222-3333-4444-555555555555": ["AWSPREVIOUS"],
    },
    ...more,
  };
  return { body, headers: { "content-type": "application/x-amz-json-1.1" } };
}
