import { z } from "zod";
import { problem } from "../../protocol/enrolment.ts";
import type { Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI document of the routes, printed from their schemas. */
export function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Mooring control plane", version },
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: { Problem: schemaOf(problem, "output") },
    },
    paths,
  };
}

function operation(route: Route): Json {
  const problems = { description: "A refusal.", content: { "application/problem+json": { schema: REF } } };
  return {
    summary: route.says,
    "x-role": route.role,
    parameters: [...pathParameters(route.path), ...queryParameters(route), ...headerParameters(route)],
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body) }),
    responses: { [route.status]: answerOf(route), default: problems },
  };
}

const REF = { $ref: "#/components/schemas/Problem" };

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{([a-zA-Z]+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Route): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, "input") as {
    properties?: Record<string, Json>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

function headerParameters({ status }: Route): Json[] {
  if (status !== 202) return [];
  return [
    { name: "Idempotency-Key", in: "header", required: false, schema: { type: "string", maxLength: 200 } },
  ];
}

function bodyOf(body: z.ZodType): Json {
  return { required: true, content: { "application/json": { schema: schemaOf(body, "input") } } };
}

function answerOf({ answer, status }: Route): Json {
  if (answer === undefined) return { description: status === 204 ? "Done." : "The answer." };
  return {
    description: "The answer.",
    content: { "application/json": { schema: schemaOf(answer, "output") } },
  };
}
