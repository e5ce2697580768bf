/** A refusal as RFC 9457 has it. `detail` is fit for a person; `error` is a code. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly error: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: string, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

export function titleOf(status: number): string {
  return TITLES[status] ?? "Error";
}

/** The body of a refusal. */
export function problemBody({ status, error, message }: ApiProblem): string {
  return JSON.stringify({ type: "about:blank", title: titleOf(status), status, detail: message, error });
}

export function problemResponse(problem: ApiProblem): Response {
  const headers = { ...problem.headers, "content-type": "application/problem+json" };
  return new Response(problemBody(problem), { status: problem.status, headers });
}

export function notFound(what: string): ApiProblem {
  return new ApiProblem(404, "not_found", `There is no ${what}.`);
}
