/** Whom the Nix daemon of this host trusts, as nix.conf says it: users, groups and `*`. */
import { outputOf } from '../kit/run-process.ts';
import type { NixConfiguration, NixEnvironment } from './nix-configuration.ts';

export interface DaemonTrust {
  /** Of the user. */
  readonly name: string;
  /** The entry of `trusted-users` that means this user; undefined: none does. */
  readonly entry: string | undefined;
}

export async function daemonTrustOf(
  uid: number,
  { trustedUsers }: Pick<NixConfiguration, 'trustedUsers'>,
  env: NixEnvironment,
): Promise<DaemonTrust> {
  const ask = async (flag: string): Promise<readonly string[]> =>
    (await outputOf({ command: 'id', args: [flag, '--', String(uid)], env, deadlineMs: 10_000 }))
      .trim()
      .split(/\s+/);
  const [[name = String(uid)], groups] = await Promise.all([ask('-nu'), ask('-nG')]);
  const entry = ['*', name, ...groups.map((group) => `@${group}`)].find((who) => trustedUsers.includes(who));
  return { name, entry };
}
