import { randomBytes } from "node:crypto";
import { uuidv7 } from "../protocol/envelope.ts";
import type { Finding, Report } from "../protocol/report.ts";
import { printable } from "../protocol/words.ts";
import { readAccountToken } from "./account-token.ts";
import { caTrouble } from "./ca-trouble.ts";
import { check } from "./check.ts";
import { systemClock as clock } from "./clock.ts";
import { proxyFromEnvironment } from "./dial/proxy.ts";
import { createNetwork } from "./dial/place.ts";
import { httpEnrol } from "./enrol.ts";
import { greet } from "./greeting.ts";
import { Identity } from "./identity.ts";
import type { IntegrationType } from "./integrations/integration.ts";
import { Cluster } from "./cluster.ts";
import { ofControlPlane } from "./doctor-words.ts";
import { folderState } from "./state-dir.ts";
import { secretNameOf } from "./state-secret.ts";
import type { StateStore } from "./state.ts";
import { plainWords, speaksPlain } from "./plain-peer.ts";
import { Refusal } from "./refusal.ts";
import { addressOf, type ConnectorSettings, StartError } from "./start.ts";
import type { ControlPlaneAddress } from "./control-plane-address.ts";
import { webSocketDial } from "./transport.ts";

/** A clock that is further off than this breaks signatures and certificates. Milliseconds. */
const MOST_SKEW_MS = 30_000;
const WELCOME_MS = 15_000;

export interface Examined {
  readonly findings: readonly Finding[];
  /** How the control plane's address was reached, where one is named. */
  readonly way: Report | undefined;
}

type Patient = Pick<
  ConnectorSettings,
  | "version"
  | "controlPlane"
  | "ca"
  | "joinTokenFile"
  | "serviceAccountTokenFile"
  | "stateDir"
  | "environment"
  | "listen"
  | "load"
  | "judgeRemote"
>;

/** Looks at why a connector with these settings could not do its work, as far as the control plane's welcome. */
export async function examine(patient: Patient, types: readonly IntegrationType[]): Promise<Examined> {
  const findings: Finding[] = [];
  let address: ControlPlaneAddress | undefined;
  try {
    address = addressOf(patient);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { findings: [failed("control plane", error.message)], way: undefined };
  }
  if (address === undefined) return { findings: [skipped("control plane", "none is named")], way: undefined };
  const unfit = await unfitCa(patient);
  if (unfit !== undefined) return { findings: [unfit], way: undefined };
  findings.push(proxyFinding(address, patient.environment));
  const { serviceAccountTokenFile } = patient;
  if (serviceAccountTokenFile !== undefined)
    findings.push(await accountFinding(serviceAccountTokenFile, address));
  const way = ofControlPlane(await reach(address, patient, types));
  if (way.state === "error") {
    if (address.isSecure && way.stage === "tls" && (await speaksPlain(address.host)))
      findings.push(failed("control plane", plainWords(address.host)));
    return { findings: [...findings, skipped("session", "the way there failed")], way };
  }
  findings.push(...(await greeting(address, patient)));
  return { findings, way };
}

const failed = (subject: string, text: string): Finding => ({ subject, verdict: "failed", text });
const passed = (subject: string, text: string): Finding => ({ subject, verdict: "passed", text });
const skipped = (subject: string, text: string): Finding => ({ subject, verdict: "not_checked", text });

/** A CA file that the connector would not start with. */
async function unfitCa({ ca, environment }: Patient): Promise<Finding | undefined> {
  if (ca === undefined) return undefined;
  return createNetwork(environment, [])
    .trust(ca)
    .then(
      () => undefined,
      (error: unknown) => failed("control plane", caTrouble(ca, error)),
    );
}

function proxyFinding(address: ControlPlaneAddress, environment: Patient["environment"]): Finding {
  const url = new URL(address.origin);
  const port = Number(url.port === "" ? (address.isSecure ? 443 : 80) : url.port);
  const scheme = address.isSecure ? "https" : "http";
  const proxy = proxyFromEnvironment(environment, { scheme, host: url.hostname, port });
  if (proxy === undefined) return passed("proxy", "none is used");
  if ("label" in proxy) return passed("proxy", `${proxy.label}, by the environment`);
  return failed(
    "proxy",
    `${proxy.variable} is not a proxy's URL; write http://HOST:PORT or https://HOST:PORT`,
  );
}

/** What the ServiceAccount's token says of itself; whether it is good is for the control plane to say. */
async function accountFinding(file: string, { origin }: ControlPlaneAddress): Promise<Finding> {
  const subject = "service account";
  try {
    const { facts } = await readAccountToken(file);
    const { account, issuer = "none", audiences, endsAt = 0 } = facts;
    const name = `${account?.namespace}/${account?.name} of issuer ${printable(issuer)}`;
    if (!audiences.includes(origin))
      return failed(
        subject,
        `the token in ${file} is meant for ${printable(audiences.join(", "))}, not for ${origin}: project it with that audience`,
      );
    const end = new Date(endsAt).toISOString();
    if (endsAt <= clock.now()) return failed(subject, `the token in ${file} has expired at ${end}`);
    return passed(subject, `${name}, by ${file} until ${end}`);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return failed(subject, error.message);
  }
}

/** The same stages as a check of an integration: the control plane's address is only one more. */
async function reach(
  address: ControlPlaneAddress,
  { ca, environment }: Patient,
  types: readonly IntegrationType[],
): Promise<Report> {
  const http = types.find(({ type }) => type === "http");
  if (http === undefined) throw new TypeError("there is no type http");
  const config = {
    url: `${address.origin}/`,
    expect: { status: ["100-599"] },
    ...(ca === undefined ? {} : { tls: { ca } }),
  };
  const item = { name: "control-plane", type: http, config, timeoutMs: WELCOME_MS, suspend: false };
  return check(item, { clock, network: createNetwork(environment, []) });
}

/** Who we are, then hello and welcome. */
async function greeting(address: ControlPlaneAddress, patient: Patient): Promise<Finding[]> {
  const { version, ca, joinTokenFile, serviceAccountTokenFile, environment } = patient;
  const network = createNetwork(environment, []);
  const transport = { address, trust: network.trust, caFile: ca, environment };
  const signal = AbortSignal.timeout(WELCOME_MS);
  const identity = new Identity({
    state: stateOf(patient, signal),
    joinTokenFile,
    serviceAccountTokenFile,
    audience: address.origin,
    enrol: httpEnrol(transport, { serviceAccountTokenFile }),
    clock,
    onToken: () => {},
  });
  const newId = (): string => uuidv7(clock.now(), randomBytes);
  const findings: Finding[] = [];
  try {
    await identity.prepare();
    const credential = await identity.credential(0, signal);
    findings.push(passed("identity", `enrolled as ${credential.connectorId}`));
    const { welcome, offsetMs } = await greet(
      { dial: webSocketDial(transport), clock, newId, version },
      credential,
      signal,
    );
    findings.push(
      passed("session", `welcome, as connector ${welcome.connector.name}; a running one was not displaced`),
    );
    const off = `the control plane's clock is ${Math.round(Math.abs(offsetMs) / 100) / 10} s ${offsetMs < 0 ? "behind" : "ahead"}`;
    findings.push(
      Math.abs(offsetMs) > MOST_SKEW_MS ? failed("clock", `${off}; set both by NTP`) : passed("clock", off),
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    findings.push(failed(findings.length === 0 ? "identity" : "session", error.message));
  }
  return findings;
}

/** Where its key is kept. */
function stateOf({ stateDir = "", environment }: Patient, signal: AbortSignal): StateStore {
  const name = secretNameOf(stateDir);
  return name === undefined ? folderState(stateDir) : new Cluster(environment, clock).state(name, signal);
}
