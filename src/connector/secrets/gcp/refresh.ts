import type { AuthorizedUser } from "./credentials.ts";
import { ask, type Errand, form, refused, type Token, tokenOf, trustedUrl } from "./identity.ts";
import { oauthTrouble } from "./oauth-trouble.ts";

/** A person's own login, as `gcloud auth application-default login` leaves it (RFC 6749, 6). */
export async function tokenByRefresh(user: AuthorizedUser, file: string, errand: Errand): Promise<Token> {
  const who = { identity: `the person who logged in to ${file}`, credentialsFile: file };
  const answer = await ask(errand, {
    method: "POST",
    url: trustedUrl(user.token_uri, "token_uri", who),
    ...form({
      grant_type: "refresh_token",
      client_id: user.client_id,
      client_secret: user.client_secret,
      refresh_token: user.refresh_token,
    }),
  });
  if (answer.status === 200) {
    const paying = user.quota_project_id === undefined ? {} : { quotaProject: user.quota_project_id };
    return { ...tokenOf(answer, { clock: errand.clock, who }), ...paying };
  }
  const ended = { trouble: "the login has ended or was revoked", mend: { endedLogin: file } };
  throw refused({ ...who, ...oauthTrouble(answer, [{ error: "invalid_grant", ...ended }]) });
}
