/**
 * With which settings Nix builds here: with its sandbox where that works, which one build tells better than any look
 * at the system. Debian's Nix has no /bin/sh for its sandbox; a static bash stands in.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '@argunix/shared/kit/app-error';
import { outputOf } from '@argunix/shared/kit/run-process';

export interface NixSettings {
  /** For NIX_CONFIG, after what the environment has there. */
  readonly lines: readonly string[];
  readonly isSandboxed: boolean;
}

const STATIC_SHELLS = ['/usr/bin/bash-static', '/bin/bash-static'];

/**
 * Nix as root wants its build users, the group `nixbld`, and refuses to build when there is none. Debian's nix-bin
 * comes without. Its companion nix-setup-systemd makes the users (without systemd, too), but it also enables a
 * daemon, turns the sandbox off for the whole machine in /etc/nix/nix.conf, and may bring systemd itself: too much to
 * do to a machine for a demo. So where there are none, Nix is told that none are wanted: sandboxed builds run in a
 * user namespace, as root of the host outside it. A host that builds for strangers wants the users.
 */
function buildUserLines(): readonly string[] {
  const isRoot = process.getuid?.() === 0;
  const hasGroup = existsSync('/etc/group') && /^nixbld:/m.test(readFileSync('/etc/group', 'utf8'));
  return isRoot && process.platform === 'linux' && !hasGroup ? ['build-users-group ='] : [];
}

export async function findNixSettings(signal: AbortSignal): Promise<NixSettings> {
  const users = buildUserLines();
  const shell = STATIC_SHELLS.find((path) => existsSync(path));
  const candidates: readonly NixSettings[] = [
    {
      lines: [
        ...users,
        'sandbox = true',
        ...(shell === undefined ? [] : [`extra-sandbox-paths = /bin/sh=${shell}`]),
      ],
      isSandboxed: true,
    },
    { lines: [...users, 'sandbox = false'], isSandboxed: false },
  ];
  let trouble = '';
  for (const candidate of candidates) {
    try {
      await build(candidate.lines, signal);
      return candidate;
    } catch (error) {
      trouble = messageOf(error);
    }
  }
  throw new Error(`Nix cannot build on this machine: ${trouble}`);
}

/** NIX_CONFIG as the environment has it, with more lines. Later lines win. */
export function nixConfig(lines: readonly string[]): string {
  return [process.env['NIX_CONFIG'] ?? '', ...lines].filter((line) => line !== '').join('\n');
}

async function build(lines: readonly string[], signal: AbortSignal): Promise<void> {
  // A path of its own: one that exists already would be no trial.
  const trial = `derivation {
    name = "argunix-trial-${randomUUID()}";
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "echo built > $out" ];
  }`;
  await outputOf({
    command: 'nix-build',
    args: ['--no-out-link', '--expr', trial],
    env: { ...process.env, NIX_CONFIG: nixConfig(['substituters =', ...lines]) },
    deadlineMs: 60_000,
    signal,
  });
}
