/**
 * Brings leases to a builder: their closures together, then the leases, and waits until the agent has rooted all of it.
 * What cannot be carried of one lease is found out and spoils none of the others.
 */
import type { BuildLimits } from '@argunix/shared/domain/build-request';
import { isAppError } from '@argunix/shared/kit/app-error';
import type { Pushed } from './courier-client.ts';
import { endingOf, isOfTheWay } from './ending-of.ts';
import { knownOutputs } from './known-outputs.ts';
import type { RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';
import { showTransfer } from './show-transfer.ts';
import { aborted, allOf } from './signals.ts';
import type { Whereabouts } from './whereabouts.ts';

export interface Bringing {
  /** Never rejects: what goes wrong judges the leases that it is about. */
  bring(all: readonly RemoteLease[], slots: number, limits: BuildLimits, signal: AbortSignal): Promise<void>;
  /** The agent has rooted this batch. */
  rooted(batch: number): void;
}

// The limits of a build are Nix's own, at the agent: these are for an agent that says nothing any more of what it has.
const HANG_FACTOR = 10;
const HANG_SLACK_MS = 3_600_000;

export function createBringing(
  name: string,
  ports: RemoteBuilderPorts,
  whereabouts: Whereabouts,
  maySubstitute: () => boolean,
): Bringing {
  const { courier, clock, patience } = ports;
  const rooted = new Map<number, () => void>();
  let lastBatch = 0;

  async function push(leases: readonly RemoteLease[], signal: AbortSignal): Promise<Pushed> {
    const until = AbortSignal.any([signal, allOf(leases.map(({ unwanted }) => unwanted))]);
    const request = {
      builder: name,
      drvPaths: leases.map(({ drvPath }) => drvPath),
      maySubstitute: maySubstitute(),
    };
    return await showTransfer(ports, 'push', leases, (onProgress) =>
      whereabouts.persist('a push', until, () => courier.push(request, onProgress, until)),
    );
  }
  /** Each alone: those that cannot be carried are judged. What one brought is there for all of them then. */
  async function findCulprits(leases: readonly RemoteLease[], signal: AbortSignal): Promise<void> {
    for (const lease of leases) {
      try {
        (await push([lease], signal)).release();
      } catch (error) {
        judge(lease, error);
      }
      signal.throwIfAborted();
    }
  }
  async function pushAll(leases: readonly RemoteLease[], signal: AbortSignal): Promise<Pushed | undefined> {
    try {
      return await push(leases, signal);
    } catch (error) {
      if (leases.length === 1 || isOfTheWay(error) || !isAppError(error) || signal.aborted) {
        throw error;
      }
    }
    await findCulprits(leases, signal);
    const left = leases.filter(isWanted);
    return left.length === 0 ? undefined : await push(left, signal);
  }
  function judge(lease: RemoteLease, error: unknown): void {
    const ending = lease.abandoned ?? endingOf(error, `It could not be brought to ${name}`);
    lease.judge({ ending, logLines: null });
  }
  async function give(
    leases: readonly RemoteLease[],
    slots: number,
    limits: BuildLimits,
    inputs: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const outputs = new Map<RemoteLease, readonly string[]>();
    for (const lease of leases) {
      outputs.set(lease, await knownOutputs(ports.derivations, lease.drvPath));
    }
    // From here to the end of the turn nobody can withdraw one without the agent hearing of it.
    const wanted = leases.filter(isWanted);
    if (wanted.length === 0 || signal.aborted) {
      return;
    }
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
      requests: wanted.map((lease) => ({
        lease: lease.leaseId,
        drv_path: lease.drvPath,
        outputs: [...(outputs.get(lease) ?? [])],
      })),
      inputs: [...inputs],
    });
    const hangMs = (limits.timeoutMs + HANG_SLACK_MS) * (wanted.length + HANG_FACTOR);
    for (const lease of wanted) {
      lease.give();
      expectEnding(lease, Math.min(hangMs, MOST_TIMER_MS), `${name} has said nothing of it for too long.`);
    }
    const late = new AbortController();
    const isLate = clock.sleep(patience.graceMs, AbortSignal.any([late.signal, signal]));
    const first = await Promise.race([
      isRooted.then(() => 'rooted' as const),
      Promise.all(wanted.map(({ judged }) => judged)).then(() => 'judged' as const),
      isLate.then(() => (signal.aborted ? ('stopped' as const) : ('late' as const))),
      aborted(signal).then(() => 'stopped' as const),
    ]);
    late.abort();
    rooted.delete(batch);
    for (const lease of first === 'late' ? wanted.filter(isWanted) : []) {
      const ending = { kind: 'infrastructure', reason: `${name} did not take it up.` } as const;
      lease.judge({ ending, logLines: null });
      lease.abandon(ending);
    }
  }

  return {
    rooted: (batch) => rooted.get(batch)?.(),
    bring: async (all, slots, limits, signal) => {
      const from = clock.now();
      let pushed: Pushed | undefined;
      try {
        for (const { leaseId, observer } of all) {
          observer.carrying(leaseId, 'push');
        }
        pushed = await pushAll(all, signal);
        const brought = pushed === undefined ? [] : all.filter(isWanted);
        const tookMs = clock.now() - from;
        for (const [index, lease] of brought.entries()) {
          lease.covered = pushed?.covered ?? null;
          // They went together: the first stands for the bytes of all.
          lease.observer.carried(lease.leaseId, 'push', {
            bytes: index === 0 ? (pushed?.bytes ?? 0) : 0,
            tookMs,
          });
        }
        await give(brought, slots, limits, pushed?.inputs ?? [], signal);
      } catch (error) {
        for (const lease of signal.aborted ? [] : all) {
          judge(lease, error);
        }
      }
      pushed?.release();
    },
  };
}

// A timer of Node takes no more: three weeks.
const MOST_TIMER_MS = 2 ** 31 - 1;

function isWanted({ verdict, unwanted }: RemoteLease): boolean {
  return verdict === undefined && !unwanted.aborted;
}

/** Judged as a fault of the host when it has no ending by then; the agent is told to forget it when it is told. */
function expectEnding(lease: RemoteLease, ms: number, reason: string): void {
  const timer = setTimeout(() => {
    const ending = { kind: 'infrastructure', reason } as const;
    lease.judge({ ending, logLines: null });
    lease.abandon(ending);
  }, ms);
  void lease.judged.then(() => clearTimeout(timer));
  timer.unref();
}
