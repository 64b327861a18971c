/** Builders that dial in: the gate as a process, who may come in, and the fleet that they are to the dispatcher. */
import { extname } from 'node:path';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { Clock } from '@argunix/shared/kit/clock';
import type { Logger } from '@argunix/shared/kit/logger';
import type { DerivationReader } from '@argunix/shared/nix/derivation-reader';
import { createBuilderStore } from '../adapters/sqlite/builder-store.ts';
import type { OpenDatabase } from '../adapters/sqlite/open-database.ts';
import { createEnrollmentSecrets } from '../adapters/ssh/enrollment-secrets.ts';
import { createCourierClient } from '../adapters/ssh/fleet/courier-client.ts';
import { type GateProcess, startGateProcess } from '../adapters/ssh/fleet/gate-process.ts';
import { createRemoteFleet, type RemoteFleet } from '../adapters/ssh/fleet/remote-fleet.ts';
import type { Patience } from '../adapters/ssh/fleet/remote-ports.ts';
import type { HostKey } from '../adapters/ssh/host-key.ts';
import type { FromGate, ToGate } from '../adapters/ssh/messages.ts';
import { administerBuilders, type BuilderAdministration } from '../flows/administer-builders.ts';
import { admitBuilder, judgeLogin } from '../flows/enroll-builder.ts';

export interface EnrollmentOptions {
  readonly host: string;
  readonly port: number;
  /** Null: only invitations let anybody in. */
  readonly tokenPath: () => string | null;
  readonly heartbeatMs: number;
  readonly hostKey: HostKey;
}

export interface BuildersOptions extends EnrollmentOptions {
  readonly database: OpenDatabase;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly derivations: DerivationReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly patience: Patience;
  readonly ownBuilders: readonly string[];
  isExpectedOffline(name: string): boolean;
  lineCount(leaseId: LeaseId): Promise<number>;
  changed(): void;
}

export interface Builders {
  readonly fleet: RemoteFleet;
  readonly administration: BuilderAdministration;
  readonly hostKey: string;
  /** Lets them in. Throws `listen.failed`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const GATE = new URL(`./gate${extname(import.meta.filename)}`, import.meta.url);
// As long as the agent's own patience with a silent coordinator.
const STALL_BEATS = 12;

export function composeBuilders(options: BuildersOptions): Builders {
  const { clock, log, hostKey, heartbeatMs } = options;
  const builders = createBuilderStore(options.database);
  const secrets = createEnrollmentSecrets({
    tokenPath: options.tokenPath,
    hostKey: hostKey.fingerprint,
  });
  const ports = { builders, secrets, ownBuilders: options.ownBuilders, clock, log };
  let gate: GateProcess | undefined;
  const send = (message: ToGate): void => gate?.send(message);
  const courier = createCourierClient((message) => send({ kind: 'courier', message }));
  const stallMs = STALL_BEATS * heartbeatMs;
  const fleet = createRemoteFleet({
    ...options,
    stallMs,
    builders,
    courier,
    send,
    address: () => gate?.address ?? null,
  });

  /** What somebody at the gate says: whoever it is, it gets an answer. */
  async function judge(message: Extract<FromGate, { kind: 'login' | 'hello' }>): Promise<void> {
    const { id, publicKey, token } = message;
    if (message.kind === 'login') {
      send({ kind: 'login', id, verdict: await judgeLogin(ports, publicKey, token) });
      return;
    }
    const admission = await admitBuilder(ports, publicKey, token, message.hello);
    send(
      admission.kind === 'admitted'
        ? { kind: 'admitted', id, name: admission.builder.name }
        : { kind: 'refused', id, refusal: admission.refusal },
    );
  }
  function take(message: FromGate): void {
    if (message.kind !== 'login' && message.kind !== 'hello') {
      fleet.take(message);
      return;
    }
    judge(message).catch((error: unknown) => {
      log.error({ err: error }, 'a builder at the gate could not be judged');
      const refusal = { code: 'busy', reason: 'The coordinator could not store it; see its log.' };
      send(
        message.kind === 'login'
          ? { kind: 'login', id: message.id, verdict: 'later' }
          : { kind: 'refused', id: message.id, refusal },
      );
    });
  }

  return {
    fleet,
    administration: administerBuilders({ ...ports, door: fleet }),
    hostKey: hostKey.fingerprint,
    start: async () => {
      gate = startGateProcess({
        settings: {
          host: options.host,
          port: options.port,
          hostKey: hostKey.privateKey,
          heartbeatMs,
          stallMs,
        },
        env: options.env,
        program: GATE,
        log,
        take,
        ended: (isWanted) => fleet.gateEnded(isWanted),
      });
      await gate.listening;
    },
    stop: async () => {
      await gate?.stop();
    },
  };
}
