/** A mistake that somebody could make: exact texts of the product, and what stands there with it. */
export interface Bug {
  readonly name: string;
  /** What is wrong with it, in a sentence. */
  readonly says: string;
  readonly changes: readonly Change[];
  /** Where it has to be caught: the simulation, or a file of tests, in which one whose name holds `test`. */
  readonly caughtBy: "simulation" | { readonly file: string; readonly test: string };
  /** A program without which the suite skips what would catch it. */
  readonly needs?: string;
}

export interface Change {
  readonly file: string;
  /** Stands in the file exactly once: where it does not any more, the bench says so. */
  readonly before: string;
  readonly after: string;
}

const change = (file: string, before: string, after: string): Change => ({ file, before, after });
const inControlPlane = (file: string, before: string, after: string): Change =>
  change(`src/control-plane/${file}`, before, after);
const inConnector = (file: string, before: string, after: string): Change =>
  change(`src/connector/${file}`, before, after);

const controlPlane = (file: string, test: string) => ({ file: `test/control-plane/${file}.test.ts`, test });
const connector = (file: string, test: string) => ({ file: `test/connector/${file}.test.ts`, test });

export const BUGS: readonly Bug[] = [
  {
    name: "ack-before-commit",
    says: "Events are acked as they come, before the store has them.",
    changes: [
      inControlPlane(
        "stream.ts",
        "      const applied = await this.#place.store.transact((tx) => intake.apply(tx, events));",
        "      this.#mark = Math.max(this.#mark, events.at(-1)?.sequence ?? 0);\n      this.acknowledge();\n      const applied = await this.#place.store.transact((tx) => intake.apply(tx, events));",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "commit-without-sync",
    says: "A commit is on the disk as soon as the disk likes.",
    changes: [
      inControlPlane("store/database.ts", "pragma synchronous = full", "pragma synchronous = normal"),
    ],
    caughtBy: { file: "test/further/power-loss.test.ts", test: "nothing is acked before its log is synced" },
    needs: "strace",
  },
  {
    name: "no-gap-check",
    says: "An event after a missing one is applied.",
    changes: [
      inControlPlane("intake.ts", "if (event.sequence > row.mark + 1) {", "if (event.sequence < 0) {"),
    ],
    caughtBy: controlPlane("session", "a gap is 4410"),
  },
  {
    name: "no-duplicate-check",
    says: "An event that was applied is applied again when it comes again.",
    changes: [inControlPlane("intake.ts", "if (event.sequence <= row.mark) continue;", "")],
    caughtBy: "simulation",
  },
  {
    name: "no-epoch",
    says: "A session that was displaced goes on writing.",
    changes: [inControlPlane("intake.ts", "connector.epoch !== epoch || ", "")],
    caughtBy: controlPlane("hostile", "ready in another process"),
  },
  {
    name: "mark-per-connector",
    says: "One mark is kept for each connector instead of one for each stream.",
    changes: [
      inControlPlane("intake.ts", "tx.stream(connectorId, streamId)", 'tx.stream(connectorId, "one")'),
      inControlPlane(
        "intake.ts",
        "let row: StreamRow = { ...stream, usedAt };",
        'let row: StreamRow = { ...stream, streamId: "one", usedAt };',
      ),
      inControlPlane("seat.ts", "tx.stream(connectorId, streamId)", 'tx.stream(connectorId, "one")'),
      inControlPlane(
        "seat.ts",
        "tx.putStream({ connectorId, streamId,",
        'tx.putStream({ connectorId, streamId: "one",',
      ),
      inControlPlane(
        "resume.ts",
        "tx.stream(of.connectorId, hello.stream.id)",
        'tx.stream(of.connectorId, "one")',
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "effect-without-mark",
    says: "The effect of an event is committed, its mark a commit later.",
    changes: [
      inControlPlane(
        "intake.ts",
        "    await tx.putStream(row);",
        "    void this.#place.store.transact((later) => later.putStream(row));",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "mark-of-welcome",
    says: "At ready the mark that welcome said is taken, though another session has come further.",
    changes: [
      inControlPlane(
        "seat.ts",
        "const again = resumeOf(hello.stream, await tx.stream(connectorId, streamId));",
        "const again = resume;",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "snapshot-page-by-page",
    says: "Each page of a snapshot shows as it comes.",
    changes: [
      inControlPlane(
        "staging.ts",
        '? { kind: "more" } : this.#whole(staged)',
        '? { kind: "whole", items: page.items } : this.#whole(staged)',
      ),
    ],
    caughtBy: controlPlane("session", "aborted after its first page"),
  },
  {
    name: "old-stream-goes-on",
    says: "A stream that is taken up again after another one needs no snapshot.",
    changes: [inControlPlane("seat.ts", "  await tx.doubtOtherStreams(connectorId, streamId);\n", "")],
    caughtBy: controlPlane("session", "taken up again after another"),
  },
  {
    name: "digest-without-reason",
    says: "The digest of all states leaves the reason out.",
    changes: [
      change(
        "src/protocol/digest.ts",
        "item.condition, item.stage, item.reason])",
        "item.condition, item.stage, null])",
      ),
    ],
    caughtBy: { file: "test/protocol/protocol.test.ts", test: "is of codes" },
  },
  {
    name: "merged-and-forgotten",
    says: "Changes that were merged into one with the stored codes are not counted.",
    changes: [inControlPlane("status.ts", "if (changed || told.coalesced > 0)", "if (changed)")],
    caughtBy: "simulation",
  },
  {
    name: "ping-is-life",
    says: "A WebSocket ping, which a library sends and answers, counts as a sign of life.",
    changes: [
      inControlPlane(
        "socket.ts",
        '  socket.on("close", ended);',
        '  socket.on("close", ended);\n  socket.on("ping", () => place.hub.seen(session));',
      ),
    ],
    caughtBy: controlPlane("silence", "pings do not count"),
  },
  {
    name: "beat-without-answer",
    says: "A connector never minds that a heartbeat is not answered.",
    changes: [inConnector("heart.ts", "return tick >= this.#answerBy;", "return false;")],
    caughtBy: "simulation",
  },
  {
    name: "beats-wait-for-the-store",
    says: "A heartbeat is answered after what came before it is stored.",
    changes: [
      inControlPlane(
        "session.ts",
        "    this.#stream.acknowledge(data.n);",
        "    const stream = this.#stream;\n    void stream.idle().then(() => stream.acknowledge(data.n));",
      ),
    ],
    caughtBy: controlPlane("hostile", "beats are answered at once"),
  },
  {
    name: "verdict-on-wall-clock",
    says: "Silence is measured on the wall clock.",
    changes: [
      inControlPlane(
        "core.ts",
        "new Liveness({ profile, timings, sweepMs }, () => clock.tick())",
        "new Liveness({ profile, timings, sweepMs }, () => clock.now())",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "no-grace",
    says: "A control plane that starts calls everybody unreachable after the usual silence.",
    changes: [
      inControlPlane(
        "liveness.ts",
        "now + this.#settings.timings.startGraceMs",
        "now + this.#settings.profile.unreachableMs",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "no-mass-guard",
    says: "When most are silent at once, all of them are called unreachable.",
    changes: [
      inControlPlane(
        "liveness.ts",
        "due: this.guard.holds({ due: due.length, expiring, total }, now) ? [] : due,",
        "due: (this.guard.holds({ due: due.length, expiring, total }, now), due),",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "hold-ends-too-soon",
    says: "The mass guard lets go while the fleet is coming back.",
    changes: [
      inControlPlane(
        "mass-guard.ts",
        "else if (count.expiring === 0 || tick >= (this.#until ?? 0)) this.#until = undefined;",
        "else this.#until = undefined;",
      ),
    ],
    caughtBy: controlPlane("liveness", "a hold lasts while the fleet comes back"),
  },
  {
    name: "own-sleep-is-silence",
    says: "Time in which the control plane stood still counts as everybody's silence.",
    changes: [
      inControlPlane(
        "liveness.ts",
        "if (late > 2 * this.#settings.sweepMs) this.#forgive(late, now);",
        "void late;",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "late-end-of-an-old-socket",
    says: "The end of a displaced session makes the connector disconnected.",
    changes: [
      inControlPlane(
        "hub.ts",
        "    if (this.#seats.get(connectorId) !== session) return;\n    this.#seats.delete(connectorId);",
        "    this.#seats.delete(connectorId);",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "frames-of-a-dead-socket",
    says: "What arrives over the socket of a displaced session counts as a sign of life.",
    changes: [
      inControlPlane(
        "hub.ts",
        "    if (this.#seats.get(session.connectorId) !== session) return;\n    this.#seen",
        "    this.#seen",
      ),
      inControlPlane(
        "session.ts",
        'if (this.#phase === "closed" || this.#phase === "leaving") return;\n    const parsed',
        "const parsed",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "old-end-after-new-ready",
    says: "The end of the last session, which waited for the store, is stored over a newer ready.",
    changes: [
      inControlPlane(
        "hub.ts",
        "this.record(this.#place.liveness.ready(connectorId));",
        "this.#place.liveness.ready(connectorId);",
      ),
    ],
    caughtBy: controlPlane("hostile", "while the end of the last one waits"),
  },
  {
    name: "late-ready",
    says: "A ready that was long on its way displaces a newer socket of the same instance.",
    changes: [
      inControlPlane(
        "hub.ts",
        "return last !== undefined && last.instanceId === instanceId && openedAt < last.openedAt;",
        "return last !== undefined && openedAt < 0;",
      ),
    ],
    caughtBy: controlPlane("hostile", "a ready that was long on its way"),
  },
  {
    name: "two-pods-take-turns",
    says: "Two instances with one identity displace each other for ever.",
    changes: [inControlPlane("takeovers.ts", "if (memory.takenBack.length > 0) return false;", "")],
    caughtBy: controlPlane("session", "two instances that take turns"),
  },
  {
    name: "goodbye-lost",
    says: "A goodbye counts only once what came before it is stored.",
    changes: [
      inControlPlane("session.ts", "    this.#place.hub.leave(this, data);\n", ""),
      inControlPlane(
        "session.ts",
        '      await stream.idle();\n      this.close("bye");',
        '      await stream.idle();\n      this.#place.hub.leave(this, data);\n      this.close("bye");',
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "refused-state-forgotten",
    says: "A verdict that the store refused is never stored.",
    changes: [inControlPlane("hub.ts", "        this.#refused.set(id, { change, at: clock.tick() });\n", "")],
    caughtBy: "simulation",
  },
  {
    name: "rate-without-a-window",
    says: "The control plane forgives no event that the network held up.",
    changes: [inControlPlane("session.ts", "LIMITS.eventsBurst + LIMITS.windowEvents", "LIMITS.eventsBurst")],
    caughtBy: "simulation",
  },
  {
    name: "no-window",
    says: "A connector sends all that it has, whatever is not acked.",
    changes: [
      inConnector(
        "pace.ts",
        "return events === 0 || (events < this.#terms.windowEvents && bytes + next <= this.#terms.windowBytes);",
        "return events >= 0 && bytes >= 0;",
      ),
    ],
    caughtBy: connector("session/session", "the window and the rate"),
  },
  {
    name: "expired-and-sent",
    says: "A command that nobody took in time is sent later all the same.",
    changes: [
      inControlPlane("open-commands.ts", " && !open.busy && now < open.deadline", " && !open.busy"),
      inControlPlane(
        "commands.ts",
        "    if (open.busy) return;\n    this.#inBackground(open, async (tx) => {\n      const row = await openRow(tx, open.connectorId, open.id);\n      if (row === undefined) return undefined;\n      const ended",
        "    if (open.busy || open.deadline > 0) return;\n    this.#inBackground(open, async (tx) => {\n      const row = await openRow(tx, open.connectorId, open.id);\n      if (row === undefined) return undefined;\n      const ended",
      ),
    ],
    caughtBy: controlPlane("commands", "undelivered it expires"),
  },
  {
    name: "one-key-twice-at-once",
    says: "Commands of one key are in flight at the same time.",
    changes: [inControlPlane("open-commands.ts", "!keys.has(open.resourceKey) && ", "")],
    caughtBy: "simulation",
  },
  {
    name: "no-ledger",
    says: "A connector does a command again that comes again.",
    changes: [
      inConnector(
        "commands.ts",
        "const known = this.#known.get(commandId);\n    if (known?.result",
        "const known = undefined as Known | undefined;\n    if (known?.result",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "outbox-drops-the-newest",
    says: "A change that finds an older one of its integration waiting is dropped.",
    changes: [
      inConnector(
        "outbox.ts",
        "      this.#drop(older);\n      this.#coalesced += 1;",
        "      this.#coalesced += 1;\n      return;",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "overflow-keeps-its-stream",
    says: "An outbox that overflowed numbers other events with the same stream's sequences.",
    changes: [
      inConnector(
        "outbox.ts",
        "    this.#streamId = this.#parts.newId();\n    this.#acked = 0;",
        "    this.#acked = 0;",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "acked-and-sent-again",
    says: "After a reconnect what the control plane has already is sent again.",
    changes: [
      inConnector("outbox.ts", "if (known) this.ack(last);\n    else if (mode", "if (!known && mode"),
    ],
    caughtBy: connector("session/outbox", "a sequence is given when an event is first sent"),
  },
  {
    name: "welcome-not-clamped",
    says: "A connector takes any heartbeat that a control plane sets.",
    changes: [
      inConnector(
        "terms.ts",
        'heartbeatMs: clamped("heartbeatMs", heartbeat.intervalMs, factor)',
        "heartbeatMs: heartbeat.intervalMs",
      ),
    ],
    caughtBy: connector("session/session", "every value of welcome"),
  },
  {
    name: "backoff-without-jitter",
    says: "All connectors come back at the same moments.",
    changes: [inConnector("reconnect.ts", "this.#random() * mostMs);", "mostMs);")],
    caughtBy: connector("session/reconnect", "1,000 delays"),
  },
  {
    name: "backoff-reset-at-open",
    says: "The backoff begins anew with every socket that opens.",
    changes: [inConnector("reconnect.ts", "if (stable) this.#step = 0;", "this.#step = 0;")],
    caughtBy: connector("session/reconnect", "only a session that lasted a minute"),
  },
  {
    name: "retry-after-ignored",
    says: "A connector comes back sooner than a full control plane has said.",
    changes: [
      inConnector(
        "reconnect.ts",
        "if (retryAfterMs === undefined) return this.#backoff();",
        "if (retryAfterMs !== 0) return this.#backoff();",
      ),
    ],
    caughtBy: connector("session/reconnect", "Retry-After is kept"),
  },
  {
    name: "no-floor",
    says: "An attempt may follow the last one without any pause.",
    changes: [
      inConnector(
        "reconnect.ts",
        "Math.max(this.#durations.backoffFloorMs, this.#random() * mostMs)",
        "this.#random() * mostMs",
      ),
    ],
    caughtBy: "simulation",
  },
  {
    name: "rejected-login-again",
    says: "A login that was rejected is tried at every look, and the account is locked.",
    changes: [inConnector("rejected-login.ts", "const REST_MS = 900_000;", "const REST_MS = 0;")],
    caughtBy: connector("session/rejected-login", "not tried again for 15 minutes"),
  },
  {
    name: "name-judged-before-resolution",
    says: "What is forbidden is looked for in the name, not in the addresses that it stands for.",
    changes: [
      inConnector(
        "dial/connect.ts",
        "const kind = policy(ip);",
        "const kind = ip === options.host ? policy(ip) : undefined;",
      ),
    ],
    caughtBy: connector("dial/address", "a name that has a forbidden and a usable address"),
  },
  {
    name: "metadata-in-ipv6",
    says: "A forbidden IPv4 address is dialled where it is written as an IPv6 one.",
    changes: [
      inConnector(
        "dial/address.ts",
        "if (bytes.length !== 16) return [];\n",
        "if (bytes.length >= 0) return [];\n",
      ),
    ],
    caughtBy: connector("dial/address", "is not dialled"),
  },
  {
    name: "secret-in-an-answer",
    says: "What a server repeats of a secret is shown.",
    changes: [
      inConnector("integrations/http/http.ts", "return run.shown(place, location);", "return place;"),
    ],
    caughtBy: connector("properties", "echoed in Location"),
  },
  {
    name: "secret-in-the-log",
    says: "Lines of the log are not scrubbed.",
    changes: [
      inConnector(
        "log.ts",
        "JSON.stringify(scrubber.json(JSON.parse(line)))",
        "JSON.stringify(JSON.parse(line))",
      ),
    ],
    caughtBy: connector("session/log", "a value is withheld"),
  },
  {
    name: "redirect-followed",
    says: "An answer that points elsewhere counts as the answer of the target.",
    changes: [
      inConnector(
        "integrations/http/http.ts",
        "  if (hasLogin && (status === 401",
        "  if (status >= 300 && status < 400) return;\n  if (hasLogin && (status === 401",
      ),
    ],
    caughtBy: { file: "test/contract/http.test.ts", test: "the place is told without query" },
  },
  {
    name: "certificate-not-judged",
    says: "Any certificate will do.",
    changes: [
      inConnector(
        "dial/tls.ts",
        "  if (options.verify) judge(socket, certificate, serverName, clock);\n",
        "",
      ),
    ],
    caughtBy: { file: "test/contract/integrations.test.ts", test: "certificate" },
  },
  {
    name: "chain-never-freed",
    says: "The certificate is asked for in the way that takes the chain out of OpenSSL and forgets it.",
    changes: [
      inConnector(
        "dial/tls.ts",
        "certificate ??= leafOf();\n",
        "certificate ??= leafOf();\n  socket.getPeerX509Certificate();\n",
      ),
    ],
    caughtBy: { file: "test/connector/dial/tls.test.ts", test: "keeps the whole chain" },
  },
  {
    name: "answer-without-budget",
    says: "An answer may be as large as a server likes.",
    changes: [
      inConnector(
        "integrations/http/exchange.ts",
        "if (bytes <= BUDGET_BYTES) return;",
        "if (bytes >= 0) return;",
      ),
    ],
    caughtBy: { file: "test/contract/http.test.ts", test: "just under 1 MiB" },
  },
];
