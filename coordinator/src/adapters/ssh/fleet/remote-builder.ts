/**
 * A builder elsewhere, over all its connections. Work is brought to it, built there, and fetched back; while it is away
 * its builds go on, and what was on its way is tried again when it is back. When it stays away for longer than the
 * grace, what it had is lost: others get it, and the late one is told to stop.
 */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import type { BuildLimits, BuildRequest } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import { type DerivationPath, parseStorePath } from '@argunix/shared/domain/store-path';
import { isAppError, messageOf } from '@argunix/shared/kit/app-error';
import type { AgentMessage } from '@argunix/shared/protocol/agent-message';
import { toEnding } from '@argunix/shared/protocol/build-ending';
import type { BuilderCapabilities } from '@argunix/shared/protocol/capabilities';
import type { HeldLease, Hello } from '@argunix/shared/protocol/hello';
import type { BuilderOffer } from '../../../domain/builder-offer.ts';
import type { Builder, Direction, DispatchObserver } from '../../../ports/builder.ts';
import type { HeldBuild } from '../../../ports/builder-fleet.ts';
import type { CourierProgress, Pushed } from './courier-client.ts';
import { followLog } from './follow-log.ts';
import { createRemoteLease, type RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';
import { aborted, allOf } from './signals.ts';
import { createWhereabouts } from './whereabouts.ts';

export interface RemoteBuilder extends Builder {
  /** What it has that nobody here knows of: builds from before this program began. */
  up(hello: Hello, isResumed: boolean): readonly HeldBuild[];
  down(reason: string): void;
  message(message: AgentMessage): void;
  offers(capabilities: BuilderCapabilities): void;
  /** It will not come back. */
  lose(reason: string): void;
  readonly isBusy: boolean;
}

const MOST_OUTPUTS = 1_000;

export function createRemoteBuilder(
  name: string,
  capabilities: BuilderCapabilities,
  ports: RemoteBuilderPorts,
): RemoteBuilder {
  const { courier, clock, log } = ports;
  const leases = new Map<LeaseId, RemoteLease>();
  /** Builds from before this program began that nobody has asked for yet. */
  const unclaimed = new Map<LeaseId, HeldLease>();
  const rooted = new Map<number, () => void>();
  const whereabouts = createWhereabouts({ ...ports, name, onLost: lose });
  let offered = capabilities;
  let lastBatch = 0;

  function lose(reason: string): void {
    for (const lease of leases.values()) {
      const ending = { kind: 'infrastructure', reason } as const;
      lease.judge({ ending, logLines: null });
      lease.abandon(ending);
    }
  }
  async function shown<Result>(
    direction: Direction,
    carried: readonly RemoteLease[],
    work: (onProgress: (progress: CourierProgress) => void) => Promise<Result>,
  ): Promise<Result> {
    const key = {};
    const now = { direction, leases: carried.map(({ leaseId }) => leaseId) };
    ports.moved(key, { ...now, progress: null });
    try {
      return await work((progress) => ports.moved(key, { ...now, progress }));
    } finally {
      ports.moved(key, null);
    }
  }

  /** Their closure there, then the leases. Never rejects: what goes wrong judges them. */
  async function bringAndGive(
    all: readonly RemoteLease[],
    slots: number,
    limits: BuildLimits,
    signal: AbortSignal,
  ): Promise<void> {
    let pushed: Pushed | undefined;
    try {
      pushed = await bring(all, signal);
      const wanted = all.filter(({ verdict, unwanted }) => verdict === undefined && !unwanted.aborted);
      if (wanted.length > 0 && !signal.aborted) {
        await give(wanted, slots, limits, pushed.inputs, signal);
      }
    } catch (error) {
      for (const lease of signal.aborted ? [] : all) {
        const ending = lease.abandoned ?? endingOf(error, `It could not be brought to ${name}`);
        lease.judge({ ending, logLines: null });
      }
    }
    pushed?.release();
  }
  async function bring(all: readonly RemoteLease[], signal: AbortSignal): Promise<Pushed> {
    const from = clock.now();
    for (const { leaseId, observer } of all) {
      observer.carrying(leaseId, 'push');
    }
    const until = AbortSignal.any([signal, allOf(all.map(({ unwanted }) => unwanted))]);
    const request = {
      builder: name,
      drvPaths: all.map(({ drvPath }) => drvPath),
      maySubstitute: offered.substitutes,
    };
    const pushed = await shown('push', all, (onProgress) =>
      whereabouts.persist('a push', until, () => courier.push(request, onProgress, until)),
    );
    const tookMs = clock.now() - from;
    for (const [index, lease] of all.entries()) {
      const { leaseId, observer } = lease;
      lease.covered = pushed.covered;
      // They went together: the first stands for the bytes of all.
      observer.carried(leaseId, 'push', { bytes: index === 0 ? pushed.bytes : 0, tookMs });
    }
    return pushed;
  }
  async function give(
    wanted: readonly RemoteLease[],
    slots: number,
    limits: BuildLimits,
    inputs: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const requests = await Promise.all(
      wanted.map(async ({ leaseId, drvPath }) => ({
        lease: leaseId,
        drv_path: drvPath,
        outputs: [...(await outputsOf(drvPath))],
      })),
    );
    lastBatch += 1;
    const batch = lastBatch;
    const { promise: isRooted, resolve } = Promise.withResolvers<void>();
    rooted.set(batch, resolve);
    ports.send({
      type: 'build',
      batch,
      slots,
      timeout_ms: Math.ceil(limits.timeoutMs),
      max_silent_ms: Math.ceil(limits.maxSilentMs),
      max_log_bytes: Math.max(1, Math.floor(limits.maxLogBytes)),
      requests,
      inputs: [...inputs],
    });
    for (const lease of wanted) {
      lease.give();
    }
    await Promise.race([isRooted, Promise.all(wanted.map(({ judged }) => judged)), aborted(signal)]);
    rooted.delete(batch);
  }
  async function outputsOf(drvPath: DerivationPath): Promise<readonly string[]> {
    const outputs = Object.values((await ports.derivations.details(drvPath))?.outputs ?? {});
    return outputs
      .filter((path) => path !== null)
      .filter((path) => parseStorePath(path) !== undefined)
      .slice(0, MOST_OUTPUTS);
  }

  /** To its end, which is told once; nothing is told when we stop first: then it goes on there. */
  async function finish(lease: RemoteLease, signal: AbortSignal): Promise<void> {
    const { leaseId, observer } = lease;
    await Promise.race([lease.given, lease.judged, aborted(signal)]);
    const logging = lease.isGiven ? followToEnd(lease, signal) : Promise.resolve();
    const judged = await Promise.race([lease.judged, aborted(signal)]);
    await logging;
    const ending = judged === undefined ? undefined : await bringBack(lease, judged.ending, signal);
    leases.delete(leaseId);
    if (ending === undefined) {
      return;
    }
    if ('reason' in ending && judged?.logLines === null) {
      // What the agent says stands in its log already.
      observer.lines(leaseId, [note(ending.reason)]);
    }
    observer.ended(leaseId, ending);
    if (lease.isGiven) {
      ports.send({ type: 'release', lease: leaseId });
    }
  }
  async function followToEnd(lease: RemoteLease, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    // Lost or cancelled here: what there is of the log is all that comes.
    void lease.judged.then(({ logLines }) => logLines === null && over.abort());
    const until = AbortSignal.any([signal, over.signal]);
    try {
      await followLog(ports, name, lease, whereabouts, until);
    } catch (error) {
      if (!until.aborted) {
        log.warn({ leaseId: lease.leaseId, reason: messageOf(error) }, 'the end of a log was not fetched');
        lease.observer.lines(lease.leaseId, [
          note(`The rest of the log could not be fetched from ${name}: ${messageOf(error)}`),
        ]);
      }
    }
  }
  /** What was made is here before anybody hears that it was. Undefined when we stop first. */
  async function bringBack(
    lease: RemoteLease,
    ending: BuildEnding,
    signal: AbortSignal,
  ): Promise<BuildEnding | undefined> {
    const { leaseId, drvPath, observer } = lease;
    if (ending.kind !== 'built' && ending.kind !== 'substituted') {
      return ending;
    }
    observer.carrying(leaseId, 'pull');
    const from = clock.now();
    const until = AbortSignal.any([signal, lease.unwanted]);
    try {
      const outputs = await outputsOf(drvPath);
      const pulled = await shown('pull', [lease], (onProgress) =>
        whereabouts.persist('a pull', until, () =>
          courier.pull({ builder: name, drvPath, outputs, covered: lease.covered }, onProgress, until),
        ),
      );
      observer.carried(leaseId, 'pull', { bytes: pulled.bytes, tookMs: clock.now() - from });
      // Roots of those who want it were there before; a shared dependency is held until it had time to be used.
      setTimeout(() => pulled.release(), ports.patience.graceMs).unref();
      return ending;
    } catch (error) {
      if (signal.aborted) {
        return undefined;
      }
      return lease.abandoned ?? endingOf(error, `It could not be fetched from ${name}`);
    }
  }

  function adopt(request: BuildRequest, observer: DispatchObserver): RemoteLease {
    const lease = createRemoteLease(request, observer);
    leases.set(request.leaseId, lease);
    return lease;
  }

  async function resume(held: HeldLease, observer: DispatchObserver, signal: AbortSignal): Promise<void> {
    const lease = adopt({ leaseId: held.lease, drvPath: held.drv_path }, observer);
    const latest = unclaimed.get(held.lease) ?? held;
    unclaimed.delete(held.lease);
    lease.loggedLines = await ports.lineCount(held.lease);
    lease.give();
    hear(lease, latest);
    await finish(lease, AbortSignal.any([signal]));
  }
  /** What is said of a build before it is known whether anybody wants it. */
  function stillUnclaimed(leaseId: LeaseId, news: Partial<HeldLease>): void {
    const held = unclaimed.get(leaseId);
    if (held !== undefined) {
      unclaimed.set(leaseId, { ...held, ...news });
    }
  }

  return {
    name,
    get offer() {
      return toOffer(offered);
    },
    get nixVersion() {
      return offered.nix_version;
    },
    build: async (requests, slots, limits, observer, signal) => {
      const own = AbortSignal.any([signal]);
      const all = requests.map((request) => adopt(request, observer));
      await Promise.all([bringAndGive(all, slots, limits, own), ...all.map((lease) => finish(lease, own))]);
    },
    cancel: (leaseId) => {
      const lease = leases.get(leaseId);
      if (lease === undefined) {
        // From before this program began, and nobody wants it.
        unclaimed.delete(leaseId);
        ports.send({ type: 'release', lease: leaseId });
        return;
      }
      lease.abandon({ kind: 'cancelled' });
      if (lease.isGiven && whereabouts.isUp) {
        ports.send({ type: 'cancel', lease: leaseId });
      } else {
        lease.judge({ ending: { kind: 'cancelled' }, logLines: null });
      }
    },
    up: (hello, isResumed) => {
      offered = hello.capabilities;
      const held = new Map(hello.held.map((one) => [one.lease, one]));
      for (const lease of leases.values()) {
        const one = held.get(lease.leaseId);
        if (one !== undefined) {
          hear(lease, one);
        } else if (lease.isGiven && lease.verdict === undefined && !isResumed) {
          const reason = `${name} came back without it: its agent was started anew.`;
          lease.judge({ ending: { kind: 'infrastructure', reason }, logLines: null });
        }
      }
      whereabouts.up();
      const unknown = hello.held.filter(({ lease }) => !leases.has(lease));
      if (isResumed) {
        for (const { lease } of unknown.filter((one) => !unclaimed.has(one.lease))) {
          // It was given up while the builder was away.
          ports.send({ type: 'release', lease });
        }
        return [];
      }
      unclaimed.clear();
      return unknown.map((one) => {
        unclaimed.set(one.lease, one);
        return { leaseId: one.lease, resume: (observer, signal) => resume(one, observer, signal) };
      });
    },
    down: (reason) => whereabouts.down(reason),
    message: (message) => {
      if (message.type === 'rooted') {
        rooted.get(message.batch)?.();
      } else if (message.type === 'started') {
        leases.get(message.lease)?.start();
        stillUnclaimed(message.lease, { started: true });
      } else if (message.type === 'ended') {
        const lease = leases.get(message.lease);
        stillUnclaimed(message.lease, { ending: message.ending, log_lines: message.log_lines });
        if (lease?.isGiven === true) {
          lease.judge({ ending: toEnding(message.ending), logLines: message.log_lines });
        }
      }
    },
    offers: (next) => {
      offered = next;
    },
    lose,
    get isBusy() {
      return leases.size > 0;
    },
  };
}

function hear(lease: RemoteLease, { started, ending, log_lines }: HeldLease): void {
  if (started) {
    lease.start();
  }
  if (ending !== null) {
    lease.judge({ ending: toEnding(ending), logLines: log_lines });
  }
}

function note(text: string): { readonly derivation: string; readonly phase: string; readonly text: string } {
  return { derivation: '', phase: '', text };
}

function endingOf(error: unknown, what: string): BuildEnding {
  const reason = `${what}: ${messageOf(error)}`;
  const isImpossible = isAppError(error) && error.code === 'closure.unsupported';
  return { kind: isImpossible ? 'unsupported' : 'infrastructure', reason };
}

export function toOffer(capabilities: BuilderCapabilities): BuilderOffer {
  return {
    systems: capabilities.systems,
    emulatedSystems: capabilities.emulated_systems,
    features: capabilities.features,
    mandatoryFeatures: capabilities.mandatory_features,
    isSandboxed: capabilities.sandbox === 'on',
    slots: capabilities.max_jobs,
    speedFactor: capabilities.speed_factor,
  };
}
