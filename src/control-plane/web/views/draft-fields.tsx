import type { JSX } from "preact";
import type { Draft } from "../words/draft.ts";
import { STORE_FIELDS, TYPE_FORMS, type FieldOf } from "../words/draft-forms.ts";
import { FieldError, TextField } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";

interface DraftProps {
  readonly draft: Draft;
  readonly errorAt: (path: string) => string | null;
  readonly change: (path: string, value: string) => unknown;
}

interface PickerProps {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  readonly half?: boolean;
  readonly error?: string | null;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onPick: (value: string) => void;
}

/** A labelled list to choose one from. */
export function Picker({
  id,
  name,
  value,
  half = false,
  error = null,
  options,
  onPick,
}: PickerProps): JSX.Element {
  return (
    <div class={half ? "field is-half" : "field"}>
      <label class="field-name" for={id}>
        {name}
      </label>
      <span class="select is-field">
        <select
          id={id}
          value={value}
          aria-invalid={error !== null}
          aria-describedby={error === null ? undefined : `${id}-error`}
          onChange={(event) => onPick(event.currentTarget.value)}
        >
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
        <Icon name="down" />
      </span>
      <FieldError id={`${id}-error`} text={error} />
    </div>
  );
}

/** One of few: all of them in sight. */
function Choice({ field, draft, errorAt, change }: DraftProps & { readonly field: FieldOf }): JSX.Element {
  const value = draft[field.path] ?? field.fallback ?? "";
  const error = errorAt(field.path);
  return (
    <fieldset
      class="field is-half choice"
      id={field.path}
      tabIndex={-1}
      aria-describedby={error === null ? undefined : `${field.path}-error`}
    >
      <legend class="field-name">{field.name}</legend>
      <div class={error === null ? "segments" : "segments is-wrong"}>
        {(field.choices ?? []).map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name={field.path}
              value={choice}
              checked={choice === value}
              onChange={() => change(field.path, choice)}
            />
            <span>{choice}</span>
          </label>
        ))}
      </div>
      <FieldError id={`${field.path}-error`} text={error} />
    </fieldset>
  );
}

function One({ field, ...props }: DraftProps & { readonly field: FieldOf }): JSX.Element {
  if (field.choices !== undefined) return <Choice field={field} {...props} />;
  const { path, name } = field;
  return (
    <div
      class={
        field.number === true
          ? "is-third"
          : field.half === true
            ? "is-half"
            : field.path === "config.host"
              ? "is-two-thirds"
              : ""
      }
    >
      <TextField
        id={path}
        name={name}
        value={props.draft[path] ?? field.fallback ?? ""}
        error={props.errorAt(path)}
        placeholder={field.placeholder ?? ""}
        inputMode={field.number === true ? "numeric" : "text"}
        onText={(text) => props.change(path, text)}
      />
    </div>
  );
}

/** What the type asks for. */
export function DraftFields(props: DraftProps): JSX.Element {
  const form = TYPE_FORMS[props.draft["type"] ?? ""];
  return (
    <>
      {form?.fields.map((field) => (
        <One key={field.path} field={field} {...props} />
      ))}
    </>
  );
}

/** Where the secret is, by reference only, and which of its keys hold what is needed. */
export function SecretFields(props: DraftProps): JSX.Element | null {
  const { draft, errorAt, change } = props;
  const form = TYPE_FORMS[draft["type"] ?? ""];
  if (form === undefined || form.secret.length === 0) return null;
  const store = draft["secret.store"] ?? "";
  const stores = Object.keys(STORE_FIELDS).map((name): readonly [string, string] => [name, name]);
  return (
    <div class="secret-fields">
      <h2>Secret</h2>
      <div class="field-grid">
        <Picker
          id="secret.store"
          name="Store"
          value={store}
          half
          error={errorAt("secret.store")}
          options={form.optional === true ? [["", "no secret"], ...stores] : stores}
          onPick={(name) => change("secret.store", name)}
        />
        {(STORE_FIELDS[store] ?? []).map((field) => (
          <One key={field.path} field={field} {...props} />
        ))}
      </div>
      {store !== "" && (
        <div class="mapping">
          <span class="field-name">Field we need</span>
          <span class="field-name">Key in the secret</span>
          {form.secret.map((name) => {
            const id = `secret.fields.${name}`;
            const error = errorAt(id);
            return [
              <label key={name} for={id} class="mono">
                {name}
              </label>,
              <div key={id} class="field">
                <input
                  id={id}
                  class="input mono"
                  value={draft[id] ?? ""}
                  placeholder={name}
                  spellcheck={false}
                  autocomplete="off"
                  autocapitalize="off"
                  aria-invalid={error !== null}
                  aria-describedby={error === null ? undefined : `${id}-error`}
                  onInput={(event) => change(id, event.currentTarget.value)}
                />
                <FieldError id={`${id}-error`} text={error} />
              </div>,
            ];
          })}
        </div>
      )}
    </div>
  );
}
