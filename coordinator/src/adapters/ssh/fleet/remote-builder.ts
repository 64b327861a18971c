/**
 * A builder elsewhere, over all its connections. Work is brought to it, built there, and fetched back; while it is away
 * its builds go on, and what was on its way is tried again when it is back. When it stays away for longer than the
 * grace, what it had is lost: others get it, and the late one is told to stop.
 */
import type { BuildRequest } from '@argunix/shared/domain/build-request';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { AgentMessage } from '@argunix/shared/protocol/agent-message';
import { toEnding } from '@argunix/shared/protocol/build-ending';
import type { BuilderCapabilities } from '@argunix/shared/protocol/capabilities';
import type { HeldLease, Hello } from '@argunix/shared/protocol/hello';
import type { BuilderOffer } from '../../../domain/builder-offer.ts';
import type { Builder, DispatchObserver } from '../../../ports/builder.ts';
import type { HeldBuild } from '../../../ports/builder-fleet.ts';
import { createBringing } from './bring-leases.ts';
import { finishLease } from './finish-lease.ts';
import { createRemoteLease, type RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';
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

export function createRemoteBuilder(
  name: string,
  capabilities: BuilderCapabilities,
  ports: RemoteBuilderPorts,
): RemoteBuilder {
  const leases = new Map<LeaseId, RemoteLease>();
  /** Builds from before this program began that nobody has asked for yet. */
  const unclaimed = new Map<LeaseId, HeldLease>();
  const whereabouts = createWhereabouts({ ...ports, name, onLost: lose });
  let offered = capabilities;
  const bringing = createBringing(name, ports, whereabouts, () => offered.substitutes);

  function lose(reason: string): void {
    for (const lease of leases.values()) {
      const ending = { kind: 'infrastructure', reason } as const;
      lease.judge({ ending, logLines: null });
      lease.abandon(ending);
    }
  }
  /** Until its end is told, or we stop. */
  async function finish(lease: RemoteLease, signal: AbortSignal): Promise<void> {
    await finishLease(name, ports, whereabouts, lease, signal);
    leases.delete(lease.leaseId);
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
      await Promise.all([bringing.bring(all, slots, limits, own), ...all.map((lease) => finish(lease, own))]);
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
        // It ends as the agent says, or after this without its word.
        const late = setTimeout(
          () => lease.judge({ ending: { kind: 'cancelled' }, logLines: null }),
          ports.patience.graceMs,
        );
        late.unref();
        void lease.judged.then(() => clearTimeout(late));
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
          if (lease.abandoned !== undefined && lease.verdict === undefined && !isResumed) {
            // What it was told before may never have come.
            ports.send({ type: 'cancel', lease: lease.leaseId });
          }
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
        bringing.rooted(message.batch);
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
