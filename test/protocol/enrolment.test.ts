import { expect, test } from "vitest";
import { enrolAnswer } from "../../src/protocol/enrolment.ts";

test.each(["A", "-", "_"])("a thumbprint may begin with %s", (first) => {
  const answer = {
    connectorId: "01a20107-7413-72be-96d9-5f3af7504c15",
    connector: "prod",
    keyId: `${first}OWW3eFhT7hTvYLo_oJwCCDTrh45sjXNsIzhNqj8-0`,
    audience: "https://mooring.example",
    cpTrust: null,
  };
  expect(enrolAnswer.parse(answer)).toEqual(answer);
});
