import type { Evidence } from "../../../protocol/words.ts";

/** What a secret is called: https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets */
export interface SecretName {
  readonly project: string;
  /** Of a regional secret. */
  readonly location?: string;
  readonly secretId: string;
  /** A number, an alias or `latest`. */
  readonly version: string;
  /** Without the version. */
  readonly resource: string;
}

const NAME =
  /^(projects\/([a-z0-9.:-]{1,100})(?:\/locations\/([a-z0-9-]{1,63}))?\/secrets\/([\w-]{1,255}))(?:\/versions\/([\w-]{1,63}))?$/;

/** Undefined for what is no name of a secret. */
export function parseName(text: string): SecretName | undefined {
  const [, resource, project, location, secretId, version = "latest"] = NAME.exec(text) ?? [];
  if (resource === undefined || project === undefined || secretId === undefined) return undefined;
  return { project, ...(location === undefined ? {} : { location }), secretId, version, resource };
}

/** Where a location's secrets are asked for; undefined: those that have no location. */
export function endpointOf(location: string | undefined): URL {
  const host = location === undefined ? "secretmanager" : `secretmanager.${location}.rep`;
  return new URL(`https://${host}.googleapis.com`);
}

export const GLOBAL = "global";

/** The location whose secrets an endpoint of Google's own has; undefined for any other endpoint. */
export function locationOf({ hostname }: URL): string | undefined {
  if (hostname === endpointOf(undefined).hostname) return GLOBAL;
  return /^secretmanager\.([a-z0-9-]+)\.rep\.googleapis\.com$/.exec(hostname)?.[1];
}

/** A secret that is asked for where only those of another region are. */
export function mismatch({ location }: SecretName, region: string): Evidence {
  return {
    actualRegion: location ?? GLOBAL,
    region,
    secretKind: location === undefined ? "a global one" : `a regional one, of ${location}`,
    endpointKind: region === GLOBAL ? "global ones alone" : `those of ${region} alone`,
    rightEndpoint: endpointOf(location).host,
  };
}
