import { existsSync, readdirSync, readFileSync } from "node:fs";

/** What a machine leaves on the host while it lives: its processes, mounts, links, control groups. */
export function tracesOf(directory: string): string[] {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandOf(pid).includes(`${directory}/`));
  const mounts = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .filter((line) => line.includes(directory));
  const places = [
    directory,
    ...["", "/memory", "/pids", "/unified"].map((one) => `/sys/fs/cgroup${one}/${last(directory)}`),
  ];
  return [...processes, ...mounts, ...places.filter((place) => existsSync(place))];
}

const last = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // It has ended since.
    return "";
  }
}
