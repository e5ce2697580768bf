import type http from "node:http";
import { exportPKCS8, generateKeyPair, type JWTPayload, jwtVerify } from "jose";
import { httpServer } from "../../fake/secure.ts";
import type { Target } from "../../fake/target.ts";

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How the fake answers instead of doing its work; by what is asked. */
export interface Says {
  email?: Reply;
  metadataToken?: Reply;
  oauth?: Reply;
  sts?: Reply;
  impersonate?: Reply;
}

/** Google's places for identities, all on one port: metadata server, token endpoints, IAM credentials. */
export interface FakeIdentity extends Target {
  readonly url: string;
  /** `host:port`, for GCE_METADATA_HOST */
  readonly place: string;
  readonly says: Says;
  /** what was asked for, oldest first */
  readonly asked: string[];
  /** what the metadata server says the default account is */
  email: string;
  /** the tokens that it gives, and takes for an exchange */
  readonly given: string[];
  /** how long they live, seconds */
  life: number;
  /** A service account's key that the token endpoint knows. */
  key(email: string): Promise<Record<string, string>>;
}

export async function fakeIdentity(token: () => string): Promise<FakeIdentity> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const pem = await exportPKCS8(privateKey);
  const state: Omit<FakeIdentity, keyof Target> = {
    url: "",
    place: "",
    says: {},
    asked: [],
    email: "connector@shop.iam.gserviceaccount.com",
    given: [],
    life: 3600,
    key: (email) =>
      Promise.resolve({
        type: "service_account",
        project_id: "shop",
        private_key_id: "0a1b2c3d4e5f",
        private_key: pem,
        client_email: email,
        token_uri: `${state.url}/token`,
      }),
  };
  const give = (): string => {
    const one = token();
    state.given.push(one);
    return one;
  };
  const oauthToken = (): Reply =>
    json(200, { access_token: give(), expires_in: state.life, token_type: "Bearer" });
  const server = await httpServer((request, response) => {
    void answer(request).then(({ status, body, headers = {} }) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      response.writeHead(status, { ...headers }).end(text);
    });
  });
  async function answer(request: http.IncomingMessage): Promise<Reply> {
    const { pathname } = new URL(request.url ?? "/", "http://fake");
    state.asked.push(`${request.method} ${pathname}`);
    const text = await bodyOf(request);
    if (pathname.startsWith("/computeMetadata/v1/")) return metadata(request, pathname.slice(20));
    if (pathname === "/token") return state.says.oauth ?? (await oauth(new URLSearchParams(text)));
    if (pathname === "/v1/token") return state.says.sts ?? exchange(new URLSearchParams(text));
    if (pathname.endsWith(":generateAccessToken")) return state.says.impersonate ?? impersonate(request);
    return json(404, {});
  }
  function metadata(request: http.IncomingMessage, path: string): Reply {
    const headers = { "metadata-flavor": "Google" };
    if (request.headers["metadata-flavor"] !== "Google")
      return { status: 403, body: "Missing Metadata-Flavor:Google header." };
    const words: Record<string, string> = {
      "project/project-id": "shop",
      "project/numeric-project-id": "4711",
    };
    const account = "instance/service-accounts/default";
    if (path === `${account}/email`) return state.says.email ?? { status: 200, body: state.email, headers };
    if (path === `${account}/token`) {
      const reply = state.says.metadataToken ?? oauthToken();
      return { ...reply, headers: { ...reply.headers, ...headers } };
    }
    return { status: path in words ? 200 : 404, body: words[path] ?? "", headers };
  }
  /** RFC 7523; it judges the signature, as Google does. */
  async function oauth(form: URLSearchParams): Promise<Reply> {
    if (form.get("grant_type") === "refresh_token") return oauthToken();
    let claims: JWTPayload;
    try {
      const audience = `${state.url}/token`;
      claims = (await jwtVerify(form.get("assertion") ?? "", publicKey, { audience })).payload;
    } catch {
      return json(400, { error: "invalid_grant", error_description: "Invalid JWT Signature." });
    }
    const scope = claims["scope"] === "https://www.googleapis.com/auth/cloud-platform";
    return scope ? oauthToken() : json(400, { error: "invalid_scope" });
  }
  function exchange(form: URLSearchParams): Reply {
    const whole =
      form.get("grant_type") === "urn:ietf:params:oauth:grant-type:token-exchange" &&
      form.get("requested_token_type") === "urn:ietf:params:oauth:token-type:access_token" &&
      form.get("subject_token_type") === "urn:ietf:params:oauth:token-type:jwt" &&
      (form.get("audience") ?? "").startsWith("//iam.googleapis.com/projects/");
    return whole ? oauthToken() : json(400, { error: "invalid_request" });
  }
  function impersonate(request: http.IncomingMessage): Reply {
    const [, source = ""] = /^Bearer (.+)$/.exec(request.headers.authorization ?? "") ?? [];
    if (!state.given.includes(source)) return json(401, { error: { code: 401, status: "UNAUTHENTICATED" } });
    const expireTime = new Date(Date.now() + state.life * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    return json(200, { accessToken: give(), expireTime });
  }
  const place = `127.0.0.1:${server.port}`;
  return Object.assign(state, server, { url: `http://${place}`, place });
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body, headers: { "content-type": "application/json", ...headers } };
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
