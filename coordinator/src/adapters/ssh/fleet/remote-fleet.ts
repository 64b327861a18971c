/**
 * All enrolled builders, there or away. It judges nothing: who comes in, flows/enroll-builder decides; what is built,
 * the dispatcher; here it becomes events of the fleet, and what a page shows.
 */
import { type EpochMs, toEpochMs } from '@argunix/shared/domain/epoch-ms';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import type { HostStats, Pause } from '@argunix/shared/protocol/capabilities';
import type { Hello } from '@argunix/shared/protocol/hello';
import type { BuilderFleet, FleetEvent } from '../../../ports/builder-fleet.ts';
import type { BuilderDoor, BuilderPresence, Presence, Transfer } from '../../../ports/builder-presence.ts';
import type { BuilderStore } from '../../../ports/builder-store.ts';
import type { FromGate, ToGate } from '../messages.ts';
import type { CourierClient } from './courier-client.ts';
import { createRemoteBuilder, type RemoteBuilder, toOffer } from './remote-builder.ts';
import type { Patience, TransferNow } from './remote-ports.ts';

export interface RemoteFleetOptions {
  readonly builders: BuilderStore;
  readonly courier: CourierClient;
  readonly derivations: DerivationReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly patience: Patience;
  readonly stallMs: number;
  lineCount(leaseId: LeaseId): Promise<number>;
  isExpectedOffline(name: string): boolean;
  send(message: ToGate): void;
  /** What is shown changed. */
  changed(): void;
  address(): string | null;
}

export interface RemoteFleet extends BuilderFleet, BuilderDoor, BuilderPresence {
  take(message: FromGate): void;
  /** Of each that is connected: how long nothing was heard of it, in ms. */
  silences(): ReadonlyMap<string, number>;
  /** The gate is gone, and every connection with it; `isWanted`: because we stop. */
  gateEnded(isWanted: boolean): void;
}

interface Member {
  name: string;
  builder: RemoteBuilder | undefined;
  isUp: boolean;
  since: EpochMs | null;
  /** What it said before it hung up for good. */
  farewell: string | null;
  lossReason: string | null;
  agentVersion: string | null;
  heardAt: EpochMs | null;
  roundTripMs: number | null;
  stats: HostStats | null;
  isDrained: boolean;
  ownPause: Pause | null;
  readonly transfers: Map<object, TransferNow & { readonly startedAt: EpochMs }>;
}

const MOST_REFUSALS = 50;

export function createRemoteFleet(options: RemoteFleetOptions): RemoteFleet {
  const { builders: store, clock, log } = options;
  const members = new Map<string, Member>();
  const listeners = new Set<(event: FleetEvent) => void>();
  let refusals: readonly { readonly at: EpochMs; readonly from: string; readonly reason: string }[] = [];

  for (const { name, drainedAt, revokedAt } of store.all()) {
    if (revokedAt === null) {
      memberOf(name).isDrained = drainedAt !== null;
    }
  }

  function memberOf(name: string): Member {
    const known = members.get(name);
    if (known !== undefined) {
      return known;
    }
    const member: Member = {
      name,
      builder: undefined,
      isUp: false,
      since: null,
      farewell: null,
      lossReason: null,
      agentVersion: null,
      heardAt: null,
      roundTripMs: null,
      stats: null,
      isDrained: false,
      ownPause: null,
      transfers: new Map(),
    };
    members.set(name, member);
    return member;
  }
  function tell(event: FleetEvent): void {
    for (const listener of listeners) {
      listener(event);
    }
    options.changed();
  }
  function builderOf(member: Member, hello: Hello): RemoteBuilder {
    member.builder ??= createRemoteBuilder(member.name, hello.capabilities, {
      ...options,
      send: (message) => options.send({ kind: 'send', builder: member.name, message }),
      moved: (key, transfer) => {
        if (transfer === null) {
          member.transfers.delete(key);
        } else {
          const startedAt = member.transfers.get(key)?.startedAt ?? clock.now();
          member.transfers.set(key, { ...transfer, startedAt });
        }
      },
    });
    return member.builder;
  }
  function pauseOf({ isDrained, ownPause }: Member): Pause | null {
    return isDrained ? { why: 'drained', reason: 'An operator drained it.' } : ownPause;
  }
  function tellPause(member: Member): void {
    tell({ kind: 'paused', name: member.name, reason: pauseOf(member)?.reason ?? null });
  }
  function storeSeen(member: Member, capabilities: Hello['capabilities'] | null): void {
    const what =
      capabilities === null ? null : { offer: toOffer(capabilities), nixVersion: capabilities.nix_version };
    store.seen(member.name, what, clock.now()).catch((error: unknown) => {
      // It is for the page after a restart alone.
      log.warn({ err: error, builder: member.name }, 'when a builder was seen could not be stored');
    });
  }

  function up(member: Member, hello: Hello, isResumed: boolean): void {
    member.isUp = true;
    member.since = clock.now();
    member.heardAt = clock.now();
    member.farewell = null;
    member.lossReason = null;
    member.agentVersion = hello.agent_version;
    member.ownPause = hello.pause;
    log.info({ builder: member.name, isResumed, held: hello.held.length }, 'a builder is here');
    const builder = builderOf(member, hello);
    const held = builder.up(hello, isResumed);
    storeSeen(member, hello.capabilities);
    tell({ kind: 'joined', builder, held });
    tellPause(member);
  }
  function down(member: Member, reason: string): void {
    if (!member.isUp) {
      return;
    }
    const at = clock.now();
    // That the connection then closed is no news.
    const why = member.farewell ?? reason;
    member.isUp = false;
    member.since = at;
    member.lossReason = why;
    member.stats = null;
    member.roundTripMs = null;
    if (member.farewell === null) {
      log.warn({ builder: member.name, reason }, 'a builder went away');
    } else {
      log.info({ builder: member.name, reason: why }, 'a builder was stopped');
    }
    member.builder?.down(why);
    storeSeen(member, null);
    tell({ kind: 'left', name: member.name, at });
  }
  function take(message: FromGate): void {
    switch (message.kind) {
      case 'up':
        up(memberOf(message.builder), message.hello, message.isResumed);
        break;
      case 'down': {
        const member = members.get(message.builder);
        if (member !== undefined) {
          down(member, message.reason);
        }
        break;
      }
      case 'beats':
        for (const [name, { stats, roundTripMs }] of message.beats) {
          const member = members.get(name);
          if (member?.isUp === true) {
            member.heardAt = clock.now();
            member.roundTripMs = roundTripMs;
            member.stats = stats ?? member.stats;
          }
        }
        break;
      case 'message': {
        const member = members.get(message.builder);
        if (member === undefined) {
          break;
        }
        if (message.message.type === 'offer') {
          const { capabilities, pause } = message.message;
          member.builder?.offers(capabilities);
          member.ownPause = pause;
          storeSeen(member, capabilities);
          if (member.builder !== undefined && member.isUp) {
            tell({ kind: 'joined', builder: member.builder, held: [] });
          }
          tellPause(member);
        } else if (message.message.type === 'leaving') {
          member.farewell = message.message.reason;
        } else {
          member.builder?.message(message.message);
        }
        break;
      }
      case 'turned_away':
        log.warn(
          { from: message.from, reason: message.reason },
          'somebody was turned away at the gate for builders',
        );
        refusals = [{ at: clock.now(), from: message.from, reason: message.reason }, ...refusals].slice(
          0,
          MOST_REFUSALS,
        );
        options.changed();
        break;
      case 'courier':
        options.courier.take(message.message);
        break;
      case 'listening':
      case 'deaf':
      case 'login':
      case 'hello':
        // Others hear of these.
        break;
    }
  }

  return {
    take,
    silences: () =>
      new Map(
        [...members.values()]
          .filter(({ isUp }) => isUp)
          .map(({ name, heardAt }) => [name, Math.max(0, clock.now() - (heardAt ?? clock.now()))]),
      ),
    gateEnded: (isWanted) => {
      options.courier.broke('The gate for builders ended.');
      for (const member of members.values()) {
        if (!isWanted) {
          down(member, 'the gate for builders ended');
        } else if (member.isUp) {
          storeSeen(member, null);
        }
      }
    },
    get present() {
      return [...members.values()].flatMap(({ isUp, builder }) =>
        isUp && builder !== undefined ? [builder] : [],
      );
    },
    get absent() {
      return store.all().flatMap(({ name, offer, revokedAt, lastSeenAt }) => {
        const isHere = members.get(name)?.isUp === true;
        return isHere || offer === null || revokedAt !== null
          ? []
          : [{ name, offer, leftAt: members.get(name)?.since ?? lastSeenAt ?? toEpochMs(0) }];
      });
    },
    isExpectedOffline: (name) => options.isExpectedOffline(name),
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    hangUp: (name, refusal) => options.send({ kind: 'hang_up', builder: name, refusal }),
    drained: (name, isDrained) => {
      const member = memberOf(name);
      member.isDrained = isDrained;
      tellPause(member);
    },
    isBusy: (name) => members.get(name)?.builder?.isBusy === true,
    renamed: (name, newName) => {
      const member = members.get(name);
      if (member === undefined) {
        return;
      }
      // It was idle when that was decided; what it was given since goes to another.
      member.builder?.lose(`${name} was renamed by an operator.`);
      members.delete(name);
      tell({ kind: 'removed', name });
      options.send({ kind: 'renamed', from: name, to: newName });
      members.set(newName, { ...member, name: newName, builder: undefined, isUp: false });
      // Its agent hears its new name in the next welcome, and is known by it from then on.
      options.send({
        kind: 'hang_up',
        builder: newName,
        refusal: { code: 'busy', reason: `It is called ${newName} now.` },
      });
    },
    removed: (name) => {
      const member = members.get(name);
      members.delete(name);
      member?.builder?.lose(`${name} was revoked or removed by an operator.`);
      tell({ kind: 'removed', name });
    },
    of: (name) => {
      const member = members.get(name);
      return member === undefined ? undefined : toPresence(member, pauseOf(member), clock.now());
    },
    refusals: () => refusals,
    get address() {
      return options.address();
    },
  };
}

function toPresence(member: Member, pause: Pause | null, now: EpochMs): Presence {
  return {
    name: member.name,
    isConnected: member.isUp,
    since: member.since,
    lossReason: member.lossReason,
    agentVersion: member.agentVersion,
    roundTripMs: member.roundTripMs,
    heardAt: member.heardAt,
    stats: member.stats,
    pause,
    transfers: [...member.transfers.values()].map((transfer) => toTransfer(transfer, now)),
  };
}

function toTransfer(
  { direction, leases, progress, startedAt }: TransferNow & { readonly startedAt: EpochMs },
  now: EpochMs,
): Transfer {
  const bytesDone = progress?.bytesDone ?? 0;
  return {
    direction,
    leases,
    step: progress?.step ?? 'waiting',
    pathsDone: progress?.pathsDone ?? 0,
    pathsTotal: progress?.pathsTotal ?? 0,
    bytesDone,
    bytesTotal: progress?.bytesTotal ?? 0,
    bytesPerSecond: now > startedAt ? Math.round((bytesDone * 1_000) / (now - startedAt)) : 0,
    startedAt,
  };
}
