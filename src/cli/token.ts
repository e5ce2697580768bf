import process from "node:process";
import { API_FLAGS, apiOf } from "./api.ts";
import { type Command, UsageError } from "./command.ts";

export const token: Command = {
  name: "token",
  usage: "token create CONNECTOR [--json]",
  says: "Makes a join token for one connector, to be used once. It stands alone on standard output.",
  flags: { ...API_FLAGS, json: { says: "print id, token and end as JSON" } },
  args: [2, 2],
  async run(given) {
    const [verb = "", connector = ""] = given.args;
    if (verb !== "create")
      throw new UsageError(`mooring token: there is no "${verb}"; write mooring token create CONNECTOR`);
    const api = await apiOf("token", given);
    const made = (await api.post("/api/v1/tokens", { connector })) as {
      id: string;
      token: string;
      expiresAt: string;
    };
    process.stdout.write(given.isSet("json") ? `${JSON.stringify(made, null, 2)}\n` : `${made.token}\n`);
    if (!given.isSet("json"))
      process.stderr.write(`For connector ${connector}, once, until ${made.expiresAt}.\n`);
    return 0;
  },
};
