import { http } from "./http/http.ts";
import type { IntegrationType } from "./integration.ts";
import { postgresql } from "./postgresql/postgresql.ts";
import { tcp } from "./tcp/tcp.ts";
import { tls } from "./tls/tls.ts";

/** Every integration type. Adding one is its folder, its line here and its test. */
export const INTEGRATION_TYPES: readonly IntegrationType[] = [http, postgresql, tcp, tls];
