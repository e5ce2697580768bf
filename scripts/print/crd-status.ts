/** The status of an Integration: metav1.Condition, and what to do. */
export function statusSchema(): unknown {
  const text = (most: number): object => ({ type: "string", maxLength: most });
  const time = { type: "string", format: "date-time" };
  const generation = { type: "integer", format: "int64" };
  return {
    type: "object",
    description: "Written by the connector, where it says something new.",
    // Else helm, and all who wait like it, take a resource without a status for one that is ready.
    default: { observedGeneration: -1 },
    properties: {
      observedGeneration: {
        ...generation,
        description: "The state of the spec that the rest is about; -1 until the connector has seen it.",
      },
      lastCheckTime: {
        ...time,
        description:
          "When it was last looked at: as of the last change, or not longer ago than some minutes.",
      },
      conditions: {
        type: "array",
        description:
          "Ready is the whole; Reachable, SecretReady and Discovered are its parts. Stalled is there while the spec itself is wrong.",
        maxItems: 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        items: {
          type: "object",
          required: ["type", "status", "lastTransitionTime", "reason", "message"],
          properties: {
            type: {
              ...text(316),
              pattern:
                "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
            },
            status: { type: "string", enum: ["True", "False", "Unknown"] },
            observedGeneration: { ...generation, minimum: 0 },
            lastTransitionTime: time,
            reason: { ...text(1024), minLength: 1, pattern: "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$" },
            message: text(32_768),
          },
        },
      },
      remedy: {
        type: "array",
        description: "What to do, in order.",
        maxItems: 8,
        items: {
          type: "object",
          required: ["text"],
          properties: { text: text(4096), command: text(4096) },
        },
      },
    },
  };
}
