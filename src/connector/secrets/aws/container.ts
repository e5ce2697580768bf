import type { Evidence } from "../../../protocol/words.ts";
import { readBoundedText, SMALL_FILE } from "../../bounded-file.ts";
import { agentCode, agentKeys, askAgent } from "./agent-keys.ts";
import type { IdentitySource } from "./identity.ts";
import { fileTrouble, noIdentity } from "./rejected.ts";
import type { Environment, SourceParts } from "./sources.ts";

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
const ECS = "http://169.254.170.2";
const FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const PLAIN_HOSTS = new Set(["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]", "localhost", "[::1]"]);
const POD_HOSTS = new Set(["169.254.170.23", "[fd00:ec2::23]"]);

/** The keys that an agent gives to a container: EKS Pod Identity, ECS. */
export function containerSource({ environment, near }: SourceParts): IdentitySource | undefined {
  const relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] ?? "";
  const full = environment[FULL_URI] ?? "";
  if (relative === "" && full === "") return undefined;
  const text = relative === "" ? full : `${ECS}${relative}`;
  const tokenFile = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] ?? "";
  const kind = kindOf(text, tokenFile);
  const told = { identity: kind.identity };
  // Without the path: at ECS it is what the keys are given for.
  const askedAgent = { ...told, [kind.mark]: URL.canParse(text) ? new URL(text).origin : text };
  return {
    told,
    fetch: async ({ signal }) => {
      const url = allowedUrl(text, told);
      const token = await tokenOf(environment, tokenFile, told);
      const headers = {
        accept: "application/json",
        ...(token === undefined ? {} : { authorization: token }),
      };
      const asked = { near, told: askedAgent, giver: kind.giver };
      const answer = await askAgent(asked, { method: "GET", url, headers }, signal);
      if (answer.status === 200) return agentKeys(answer, askedAgent, kind.giver);
      const { status } = answer;
      const code = agentCode(answer);
      const words = `${kind.giver} answered ${status}${code === "" ? "" : ` ${code}`}`;
      const refused = kind.mark === "podAgent" ? { ...told, refusedBy: kind.giver } : askedAgent;
      throw noIdentity({ ...refused, code: code || String(status) }, words);
    },
  };
}

interface Kind {
  readonly identity: string;
  readonly giver: string;
  /** The name in the evidence by which the steps are chosen. */
  readonly mark: "podAgent" | "containerAgent";
}

function kindOf(url: string, tokenFile: string): Kind {
  const host = URL.canParse(url) ? new URL(url).hostname : "";
  const isPod = POD_HOSTS.has(host) || tokenFile.includes("eks-pod-identity");
  return isPod
    ? { identity: "the pod's role (EKS Pod Identity)", giver: "the EKS Pod Identity agent", mark: "podAgent" }
    : { identity: "the container's role", giver: "the container's credential agent", mark: "containerAgent" };
}

function allowedUrl(text: string, told: Evidence): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url !== undefined && (PLAIN_HOSTS.has(url.hostname) || /^127(\.\d{1,3}){3}$/.test(url.hostname));
  if (url !== undefined && (url.protocol === "https:" || (url.protocol === "http:" && plain))) return url;
  throw noIdentity(
    { ...told, agentVariable: FULL_URI },
    `${FULL_URI} is neither https:// nor an agent of this node`,
  );
}

async function tokenOf(environment: Environment, file: string, told: Evidence): Promise<string | undefined> {
  if (file === "") return environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
  try {
    return (await readBoundedText(file, SMALL_FILE)).trim();
  } catch (error) {
    throw noIdentity({ ...told, missingFile: file }, fileTrouble(error, "its token file", file), error);
  }
}
