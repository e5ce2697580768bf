import type { Evidence } from "../../../protocol/words.ts";

/**
 * Why the node at `endpoint` serves no secrets, from sys/health (https://openbao.org/api-docs/system/health/), as
 * evidence: `sealedHow` in the words that follow "The store is …"; undefined where it should serve them.
 */
export function sealedHow(
  endpoint: string,
  status: number,
  body: Readonly<Record<string, unknown>> | undefined,
): Evidence | undefined {
  if (body === undefined) return undefined;
  if (status === 501 || body["initialized"] === false)
    return { sealedHow: "not initialised", emptyNode: endpoint };
  // A sealed node calls itself standby too.
  if (body["sealed"] === true) return { sealedHow: "sealed", sealedNode: endpoint };
  if (status === 472)
    return { sealedHow: "a disaster recovery secondary, which serves no secrets", standbyNode: endpoint };
  if (body["standby"] === true)
    return { sealedHow: "in standby and does not pass requests on", standbyNode: endpoint };
  return undefined;
}
