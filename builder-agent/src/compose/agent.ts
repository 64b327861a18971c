/** Introduces the parts of the agent to each other. */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import { systemClock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { nixSurroundings } from '@argunix/shared/nix/nix-surroundings';
import { createGcRoots } from '@argunix/shared/nix/roots/gc-roots';
import { PROTOCOL_VERSION } from '@argunix/shared/protocol/version';
import { createKnownName } from '../adapters/files/known-name.ts';
import { createLeaseDirectory } from '../adapters/files/lease-files.ts';
import { takeStateLock } from '../adapters/files/state-lock.ts';
import { writeAtomically } from '../adapters/files/write-atomically.ts';
import { readHostStats } from '../adapters/host/host-stats.ts';
import { createBuilds } from '../adapters/nix/builds.ts';
import { judgeOffer, readCapabilities, toCapabilities } from '../adapters/nix/capabilities.ts';
import { judgeStoreTrust } from '../adapters/nix/store-trust.ts';
import { createSubstituter } from '../adapters/nix/substituter.ts';
import { createAdmission, createEnrollmentToken } from '../adapters/ssh/admission.ts';
import { createBulkLink } from '../adapters/ssh/bulk-link.ts';
import { createControlLink } from '../adapters/ssh/control-link.ts';
import { createHostKeyPin } from '../adapters/ssh/host-key-pin.ts';
import { readIdentity } from '../adapters/ssh/identity.ts';
import type { Settings } from '../config/settings.ts';
import { fetchFromCaches } from '../flows/fetch-from-caches.ts';
import { forgetOldLeases } from '../flows/forget-old-leases.ts';
import { hearCoordinator } from '../flows/hear-coordinator.ts';
import { holdLeases } from '../flows/hold-leases.ts';
import { recoverLeases } from '../flows/recover-leases.ts';
import { stopAgent } from '../flows/stop-agent.ts';
import { tellOffer } from '../flows/tell-offer.ts';
import { VERSION } from '../version.ts';
import { channelEnd } from './channel-ends.ts';
import type { AgentTimings } from './timings.ts';

export interface Agent {
  /** The first time what runs is finished, the second time nothing is waited for. */
  stop(): void;
  reread(): void;
  /** Null when it was stopped, else why the coordinator refused it for good. Nothing of it is left then. */
  readonly ended: Promise<string | null>;
}

export interface AgentOptions {
  readonly settings: Settings;
  readonly timings: AgentTimings;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** Throws an AppError when it cannot start. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const stateDir = await makeStateDir(options.settings.stateDir);
  const unlock = takeStateLock(stateDir);
  try {
    return await startIn(stateDir, unlock, options);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startIn(
  stateDir: string,
  unlock: () => void,
  { settings, timings, env: environment, log }: AgentOptions,
): Promise<Agent> {
  const surroundings = nixSurroundings(environment);
  for (const warning of surroundings.warnings) {
    log.warn({ warning }, 'the Nix of this host');
  }
  const { env } = surroundings;
  const nix = await readNixConfiguration(env);
  judgeOffer(nix, settings.offer);
  await judgeStoreTrust(nix, env, process.getuid?.() ?? 0);
  const clock = systemClock;
  const identity = await readIdentity(stateDir, writeAtomically);
  const token = createEnrollmentToken(settings.tokenPath, log);
  const invitedAs = (await token.read())?.invitation?.name ?? null;
  const knownName = createKnownName(join(stateDir, 'name'));
  const before = await knownName.read(invitedAs);
  let name = settings.name ?? before ?? invitedAs ?? ownName();
  let nameKept = Promise.resolve();
  const admission = createAdmission({
    privateKey: identity.privateKey,
    token,
    pin: createHostKeyPin(join(stateDir, 'coordinator-host-key'), writeAtomically),
    givenHostKey: settings.hostKey,
    trustsFirst: settings.trustsFirst,
  });
  const address = { host: settings.host, port: settings.port };
  const bulk = createBulkLink({
    address,
    admission,
    ...timings,
    channelMs: timings.handshakeMs,
    idleMs: timings.bulkIdleMs,
    log,
  });
  const link = createControlLink({
    address,
    admission,
    timings,
    hello: ({ session, received }) => ({
      version: PROTOCOL_VERSION,
      name,
      session,
      received,
      agent_version: VERSION,
      capabilities: offer.capabilities,
      pause: offer.pause,
      held: [...leases.told()],
    }),
    onNamed: (now) => {
      name = now;
      nameKept = nameKept
        .then(() => knownName.keep(now, invitedAs))
        .catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'the name could not be kept: --name tells it the next time');
        });
    },
    stats: () => offer.stats,
    bulkBytes: () => bulk.bytesMoved,
    clock,
    log,
  });
  const files = createLeaseDirectory(join(stateDir, 'leases'));
  const roots = createGcRoots({ dir: join(stateDir, 'gcroots') });
  const leases = holdLeases({ link, files, roots, clock, log });
  await recoverLeases({ leases, files, roots, clock, log });
  const builds = createBuilds({
    env,
    derivations: createDerivationReader(),
    isSandboxed: () => offer.capabilities.sandbox === 'on',
    graceMs: timings.graceMs,
  });
  const offer = tellOffer(toCapabilities(nix, settings.offer), {
    link,
    host: { stats: () => readHostStats(), capabilities: () => readCapabilities(env, settings.offer) },
    clock,
    log,
    minFreeDiskBytes: settings.minFreeDiskBytes,
    rereadMs: timings.rereadMs,
    statsMs: timings.statsMs,
    building: () => builds.running,
  });
  await offer.look();
  const fetches = fetchFromCaches({
    link,
    substituter: createSubstituter({ env, graceMs: timings.graceMs }),
    roots,
    clock,
    log,
    keepFetchedMs: timings.keepFetchedMs,
  });

  async function openChannel(
    channel: string,
    use: Parameters<typeof channelEnd>[0],
    isAnew: boolean,
  ): Promise<void> {
    const serve = channelEnd(use, { env, files, graceMs: timings.graceMs });
    const trouble =
      typeof serve === 'string'
        ? ({ kind: 'unopened', reason: serve } as const)
        : await bulk.open(channel, serve, isAnew);
    if (trouble !== null) {
      log.warn({ channel, use: use.kind, reason: trouble.reason }, 'a channel could not be served');
      link.send({ type: trouble.kind, channel, reason: trouble.reason.slice(0, 2000) });
    }
  }
  const working = new AbortController();
  const hurry = new AbortController();
  const ports = { leases, link, files, roots, builds, clock, log, fetches };
  const kept = link.keep(
    (message) =>
      hearCoordinator(message, {
        ...ports,
        openChannel: (channel, use, isAnew) => void openChannel(channel, use, isAnew),
      }),
    working.signal,
  );
  const watches = [
    offer.watchStats(working.signal),
    offer.watchCapabilities(working.signal),
    forgetOldLeases(leases, clock, timings.keepEndedMs, working.signal),
  ];
  log.info(
    { name, key: identity.fingerprint, coordinator: `${settings.host}:${settings.port}`, stateDir },
    'the builder agent started',
  );

  let stopping: Promise<void> | undefined;
  function stop(): void {
    if (stopping === undefined) {
      stopping = drain();
    } else {
      hurry.abort();
    }
  }
  async function drain(): Promise<void> {
    const stopPorts = { ...ports, offer, stopWithinMs: settings.stopWithinMs, ladderMs: 2 * timings.graceMs };
    await stopAgent(stopPorts, hurry.signal);
    await link.untilHeard(AbortSignal.any([AbortSignal.timeout(timings.farewellMs), hurry.signal]));
    working.abort();
  }
  async function end(): Promise<string | null> {
    try {
      const refused = await kept;
      // Whoever is refused for good is heard by nobody: what it builds is for nobody either.
      hurry.abort();
      stopping ??= drain();
      await stopping;
      return refused;
    } finally {
      working.abort();
      bulk.close();
      await Promise.all([...watches, nameKept]);
      unlock();
      log.info({}, 'the builder agent ended');
    }
  }
  return { stop, reread: () => void offer.reread(), ended: end() };
}

async function makeStateDir(path: string): Promise<string> {
  const stateDir = resolve(path);
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    return stateDir;
  } catch (error) {
    throw new AppError('state-dir.unwritable', `--state-dir: ${messageOf(error)}`, { stateDir }, error);
  }
}

function ownName(): string {
  return (
    hostname()
      .split('.')[0]
      ?.replaceAll(/[^A-Za-z0-9_.-]/g, '-')
      .slice(0, 64) || 'builder'
  );
}
