/** What the ARN of a secret says. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html */
export interface SecretArn {
  readonly region: string;
  readonly account: string;
  /** The secret's name, with or without the six characters that AWS puts behind it. */
  readonly name: string;
}

const SECRET =
  /^arn:aws[a-z-]*:secretsmanager:([a-z0-9-]{4,32}):(\d{1,16}):secret:([A-Za-z0-9/_+=.@!-]{1,520})$/;

/** The parts of a secret's ARN, or undefined where the text is none. */
export function arnOf(text: string): SecretArn | undefined {
  const [, region, account, name] = SECRET.exec(text) ?? [];
  if (region === undefined || account === undefined || name === undefined) return undefined;
  return { region, account, name };
}

/** The secret's own name: of an ARN without the hyphen and six characters at its end. */
export function nameOf(id: string): string {
  return arnOf(id)?.name.replace(/-[A-Za-z0-9]{6}$/, "") ?? id;
}

/** The last part of a role's or user's ARN: what the `aws iam` commands take as its name. */
export function lastName(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** The account in the ARN of whoever asks; empty where there is none. */
export function accountOf(arn: string): string {
  return /^arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):/.exec(arn)?.[1] ?? "";
}
