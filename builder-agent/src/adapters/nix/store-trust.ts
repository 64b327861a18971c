/**
 * Whether this host's store takes what a coordinator brings, which nobody has signed. A daemon takes that only from whom
 * it trusts; without one, who may write the store may do anything.
 */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { AppError } from '@argunix/shared/kit/app-error';
import { outputOf } from '@argunix/shared/kit/run-process';
import { daemonTrustOf } from '@argunix/shared/nix/daemon-trust';
import type { NixConfiguration, NixEnvironment } from '@argunix/shared/nix/nix-configuration';
import { z } from 'zod';

/** Throws `nix.untrusted`. */
export async function judgeStoreTrust(
  nix: NixConfiguration,
  env: NixEnvironment,
  uid: number,
): Promise<void> {
  if (!(await isBehindDaemon(env))) {
    return;
  }
  const told = await askStore(env);
  if (told === true) {
    return;
  }
  const { name, entry } = await daemonTrustOf(uid, nix, env).catch(() => ({
    // A container may run us as a user that has no name.
    name: null,
    entry: nix.trustedUsers.find((who) => who === '*'),
  }));
  if (told === false || entry === undefined) {
    const remedy =
      name === null
        ? 'run this as a user that has a name, add that one to trusted-users in nix.conf, and restart the daemon'
        : `add ${name} to trusted-users in nix.conf, restart the daemon, and start this again`;
    throw new AppError(
      'nix.untrusted',
      `The Nix daemon does not trust ${name ?? `the user ${uid}`}, so it would refuse everything that the coordinator brings: ${remedy}.`,
    );
  }
}

const Ping = z.object({ trusted: z.union([z.boolean(), z.int()]).transform(Boolean) });

/** Since Nix 2.15 a daemon says it. Undefined where nothing is said. */
async function askStore(env: NixEnvironment): Promise<boolean | undefined> {
  try {
    const said = await outputOf({
      command: 'nix',
      args: ['--extra-experimental-features', 'nix-command', 'store', 'ping', '--json'],
      env,
      deadlineMs: 30_000,
    });
    return Ping.parse(JSON.parse(said)).trusted;
  } catch {
    // An older Nix, or a store that says nothing of it: then its settings tell.
    return undefined;
  }
}

async function isBehindDaemon(env: NixEnvironment): Promise<boolean> {
  const remote = env['NIX_REMOTE'] ?? '';
  if (remote !== '' && remote !== 'auto') {
    return remote === 'daemon' || remote.startsWith('unix:');
  }
  try {
    await access(env['NIX_STATE_DIR'] ?? '/nix/var/nix', constants.R_OK | constants.W_OK);
    return false;
  } catch {
    // Who may not write the store asks the daemon.
    return true;
  }
}
