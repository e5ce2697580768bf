// These suites spend most of their time waiting: in one file, they wait at the same time.
import { wrongInput } from "./bad-input.suite.ts";
import "./commands.suite.ts";
import "./identity.suite.ts";
import "./outage.suite.ts";
import "./secrets.suite.ts";
import "./tls.suite.ts";

wrongInput();
