import { openApi } from "../../src/control-plane/api/openapi.ts";
import { apiRoutes } from "../../src/control-plane/app.ts";
import manifest from "../../package.json" with { type: "json" };

interface Operation {
  readonly summary: string;
  readonly "x-role": string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

// The routes only keep what they are handed; nothing is called while they are described.
const document = openApi(apiRoutes({} as Parameters<typeof apiRoutes>[0]), manifest.version);

/** schema/openapi.json: the API as the control plane serves it at /api/v1/openapi.json. */
export function openApiText(): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** docs/rest.md: a row for each call. */
export function restPage(): string {
  const paths = document["paths"] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => row(method, path, operation)),
  );
  return [
    "# REST API",
    "",
    "Printed from the code. The schemas are in [openapi.json](../schema/openapi.json), which the control plane serves at",
    "`/api/v1/openapi.json`. `Authorization: Bearer` takes the operator's or the viewer's token; the viewer may look, not",
    'touch. A refusal is `application/problem+json` (RFC 9457). A list is `{"items": […], "next": cursor or null}`; `limit`',
    "is at most 500. Times are RFC 3339, UTC. A POST takes an `Idempotency-Key`.",
    "",
    "| call | who | what | query |",
    "|---|---|---|---|",
    ...rows,
    "| `GET /api/v1/events` | viewer | Server-sent events `connector`, `integration`, `command`; `data` is what the GET returns. `Last-Event-ID` resumes; `reset` says that it is too old. |  |",
    "| `POST /v1/enroll`, `GET /v1/connect` | connectors | [The protocol](protocol.md). |  |",
    "| `GET /livez`, `/readyz`, `/metrics` | anybody | On `--health-listen`, or on the main listener where that is loopback. |  |",
    "",
  ].join("\n");
}

function row(method: string, path: string, operation: Operation): string {
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query")
    .map(({ name }) => `\`${name}\``);
  return `| \`${method.toUpperCase()} ${path}\` | ${operation["x-role"]} | ${operation.summary} | ${query.join(", ")} |`;
}
