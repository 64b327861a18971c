/** What the tests of the local builder have in common. */
import { readdirSync, readFileSync } from 'node:fs';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { createDerivationReader } from '@argunix/shared/nix/derivation-reader';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import type { RealNix } from '@argunix/shared/nix/testing/real-nix';
import type { Builder } from '../../../ports/builder.ts';
import { createLocalBuilder } from '../local-builder.ts';
import type { BuildRecord } from './build-record.ts';

export const LIMITS = { timeoutMs: 60_000, maxSilentMs: 60_000, maxLogBytes: 16_000_000 };

export async function builderOf(nix: RealNix, patienceMs?: number): Promise<Builder> {
  return createLocalBuilder({
    name: 'local',
    configuration: await readNixConfiguration(nix.env),
    env: nix.env,
    derivations: createDerivationReader(),
    graceMs: 5_000,
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
}

export interface Run {
  readonly limits?: typeof LIMITS;
  readonly slots?: number;
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
  readonly isOnce?: boolean;
}

/** As a dispatcher would: what comes back is given again. */
export async function run(nix: RealNix, record: BuildRecord, more: Run = {}): Promise<void> {
  const builder = await builderOf(nix, more.patienceMs);
  for (let requests = record.requests; requests.length > 0; ) {
    await builder.build(
      requests,
      more.slots ?? 2,
      more.limits ?? LIMITS,
      record.observer,
      more.signal ?? AbortSignal.timeout(100_000),
    );
    requests = more.isOnce === true ? [] : record.takeReturned();
  }
}

/** Whether a process runs that was given this derivation's build directory or has it in its arguments. */
export function isBuilding(word: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(word);
      } catch {
        // It ended since the directory was listed.
        return false;
      }
    });
}

export function range(count: number, item: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => item(at)).join('\n');
}

/** The word that only the processes of these derivations have in their environment. */
export function uniqueOf(drvs: Readonly<Record<string, DerivationPath>>): string {
  const [first = ''] = Object.values(drvs);
  return /\("unique","([0-9a-f]+)"\)/.exec(readFileSync(first, 'utf8'))?.[1] ?? 'no such word';
}
