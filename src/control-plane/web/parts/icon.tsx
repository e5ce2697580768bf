import type { JSX } from "preact";

const PATHS = {
  search: "M8.7 14.400a5.7 5.7 0 1 0 0-11.4 5.7 5.7 0 0 0 0 11.400zM13 13l4 4",
  copy: "M7.5 7.500h8v9h-8zM12.5 7.500v-4h-8v9h3",
  check: "M4 10.500l4 4 8-9",
  right: "M8 5l5 5-5 5",
  down: "M5 8l5 5 5-5",
  plus: "M10 4v12M4 10h12",
  refresh: "M16 10a6 6 0 1 1-1.8-4.300L16 7.500M16 3.500v4h-4",
  play: "M6.5 4.500v11l8.5-5.500z",
  note: "M5.5 3h6l3.5 3.500V17h-9.500zM8 9h4.500M8 12h4.5",
  moon: "M16 11.800A6.5 6.5 0 1 1 8.2 4a5.2 5.2 0 0 0 7.8 7.800z",
  sun: "M10 13.300a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.600zM10 2.500v1.700M10 15.800v1.700M2.5 10h1.700M15.8 10h1.700M4.7 4.700l1.2 1.200M14.1 14.100l1.2 1.200M4.7 15.300l1.2-1.200M14.1 5.900l1.2-1.2",
  screen: "M3 4.500h14v9H3zM7 16.500h6",
  person: "M10 10a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.400zM4 17c.6-3.2 3-4.7 6-4.700s5.4 1.5 6 4.7",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  close: "M5 5l10 10M15 5L5 15",
} as const;
export type IconName = keyof typeof PATHS;

/** A picture of a verb. Never colour, never alone without a word or a label. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the program: two bollards and the line between them. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
      <path d="M3.5 4v14M18.5 4v14M3.5 6.500c2.5 8 12.5 8 15 0" />
    </svg>
  );
}
