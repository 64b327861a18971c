/** How a new builder finds its way in: where to dial, whom it should meet there, what to run. */
import { createHash } from 'node:crypto';
import type { StatusView } from '@argunix/shared/control-api/status-view';
import type { BuilderSources } from './builder-sources.ts';
import { toTime } from './visible-steps.ts';

export interface BuilderDoorView {
  /** Whether builders can enroll here at all: nobody's secret. */
  readonly isOpen: boolean;
  readonly enrollment: StatusView['builder_enrollment'];
  readonly refusals: StatusView['refusals'];
}

const MOST_REFUSALS = 20;

export function readBuilderDoor(
  { hostKey, presence }: BuilderSources,
  { externalUrl, isOperator }: { readonly externalUrl: string; readonly isOperator: boolean },
): BuilderDoorView {
  const isOpen = hostKey !== null;
  if (hostKey === null || !isOperator) {
    return { isOpen, enrollment: null, refusals: [] };
  }
  const { host, port } = dialled(externalUrl, presence.address);
  return {
    isOpen,
    enrollment: {
      address: port === null ? null : `${host}:${port}`,
      host_key_fingerprint: hostKey,
    },
    refusals: presence
      .refusals()
      .slice(0, MOST_REFUSALS)
      .map(({ at, from, reason }) => ({ at: toTime(at), from, reason })),
  };
}

/**
 * Builders dial the host of the pages, at the port where we listen: the address that we listen on is often that of every
 * interface, or of this side of a router.
 */
function dialled(
  externalUrl: string,
  address: string | null,
): { readonly host: string; readonly port: string | null } {
  return { host: new URL(externalUrl).hostname, port: /:(\d+)$/.exec(address ?? '')?.[1] ?? null };
}

/**
 * One line for the shell of the new host. The token goes into a file that only its user can read, never into the
 * arguments of a program, where every user of that host would see it.
 */
export function joinCommand(
  { name, token }: { readonly name: string; readonly token: string },
  externalUrl: string,
  address: string | null,
): string {
  const { host, port } = dialled(externalUrl, address);
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return [
    `(umask 077 && printf '%s\\n' '${token}' > argunix-invitation) &&`,
    `argunix-builder --argunix-host=${bare} --argunix-port=${port ?? 'PORT'}`,
    `--name=${name} --enrollment-token-path=argunix-invitation`,
  ].join(' ');
}

/** As `ssh-keygen -l` prints it. */
export function keyFingerprint(publicKey: string): string {
  const digest = createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('base64');
  return `SHA256:${digest.replace(/=+$/, '')}`;
}
