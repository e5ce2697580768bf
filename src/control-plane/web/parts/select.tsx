import type { JSX } from "preact";
import { Icon } from "./icon.tsx";

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onPick: (value: string) => void;
}

/** The system's own list, in our clothes. */
export function Select({ label, value, options, onPick }: SelectProps): JSX.Element {
  return (
    <span class="select">
      <select aria-label={label} value={value} onChange={(event) => onPick(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </span>
  );
}
