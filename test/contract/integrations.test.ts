import { http } from "../../src/connector/integrations/http/http.ts";
import { postgresql } from "../../src/connector/integrations/postgresql/postgresql.ts";
import { tcp } from "../../src/connector/integrations/tcp/tcp.ts";
import { tls } from "../../src/connector/integrations/tls/tls.ts";
import {
  httpsSubject,
  httpSubject,
  plainPostgresSubject,
  postgresSubject,
  tcpSubject,
  tlsSubject,
} from "./subjects.ts";
import { contractSuite } from "./suite.ts";

contractSuite("tcp", tcp, tcpSubject);
contractSuite("tls", tls, tlsSubject);
contractSuite("http", http, httpSubject);
contractSuite("http over TLS", http, httpsSubject);
contractSuite("postgresql", postgresql, postgresSubject);
contractSuite("postgresql without encryption", postgresql, plainPostgresSubject);
