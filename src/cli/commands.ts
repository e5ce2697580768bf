import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { connector } from "./connector.ts";
import { connectorIdentity } from "./connector-identity.ts";
import { controlPlane } from "./control-plane.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor.ts";
import { refresh, test } from "./refresh.ts";
import { status } from "./status.ts";
import { token } from "./token.ts";

/** Every command, in the order of the help. What only one of them needs, it loads when it runs. */
export const COMMANDS: readonly Command[] = [
  demo,
  check,
  connector,
  controlPlane,
  doctor,
  token,
  connectorIdentity,
  status,
  refresh,
  test,
];
