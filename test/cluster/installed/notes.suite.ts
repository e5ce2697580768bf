/** What helm says after an install, taken at its word. */
import { expect, test } from "vitest";
import { inTurn, type World } from "./world.ts";

/** The commands that NOTES tell their reader to run, without what is said beside them. */
function commandsOf(said: string): string[] {
  return [...said.matchAll(/^ {2}((?:kubectl|helm) .*?)(?: +#.*)?$/gm)].map(([, command]) => command ?? "");
}

/** A script that fetches /metrics by a command of `kubectl port-forward`, from a port that is free here. */
function fetched(forward: string): string {
  const get = "fetch(`http://127.0.0.1:${process.argv[1]}/metrics`).then((a) => a.text()).then(console.log)";
  return `${forward.replace(/ 7481$/, " :7481")} > forwarded & forwarding=$!
    for turn in $(seq 100); do grep -q 127.0.0.1 forwarded && break; sleep 0.1; done
    node -e '${get}' "$(sed -n 's/.*127.0.0.1:\\([0-9]*\\) .*/\\1/p' forwarded)"
    kill $forwarding`;
}

export function notesSuite(place: () => { world: World }): void {
  test("every command of the notes runs as it is printed", inTurn, async () => {
    const { world } = place();
    const notes = `${world.said.controlPlane}\n${world.said.connector}`;
    expect(notes).not.toMatch(/<no value>/);
    expect(notes).toContain("joined by the token in Secret mooring-join");
    const commands = commandsOf(notes);
    expect(commands.length).toBeGreaterThanOrEqual(6);
    for (const command of commands.filter((one) => !one.includes("port-forward")))
      // Where kubectl finds nothing it says so on standard error alone.
      expect(await world.shell(command), command).not.toBe("");
    const forward = commands.find((one) => one.includes("port-forward")) ?? "";
    expect(await world.shell(fetched(forward))).toContain("mooring_build_info");
  });
}
