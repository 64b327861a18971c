import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describeEnding, runProcess } from '@argunix/shared/kit/run-process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { evaluationId, makeRealGit, never, type RealGit, ref, source } from '../../../test/real-git.ts';

let real: RealGit;
beforeEach(async () => {
  real = await makeRealGit();
});
afterEach(async () => {
  await real.remove();
});

const FLAKE = `{ outputs = { self }: { it = [ (self.rev or "none") self.lastModified (builtins.readFile ./a) self.narHash ]; }; }`;
const main = ref('main');

/** With nothing writable below the directories, and no word of complaint. */
async function nixEval(reference: string, readOnly: readonly string[]): Promise<string> {
  const script = `for dir; do mount --bind "$dir" "$dir" && mount -o remount,ro,bind "$dir" || exit 9; done
    exec nix eval --json "$REFERENCE"`;
  const { ending, stdout, stderr } = await runProcess({
    command: 'unshare',
    args: ['--mount', '--', 'sh', '-c', script, 'sh', ...readOnly],
    env: {
      PATH: process.env['PATH'],
      HOME: join(real.dir, 'nix-home'),
      REFERENCE: reference,
      NIX_CONFIG: 'substituters =\nexperimental-features = nix-command flakes',
    },
    deadlineMs: 60_000,
  });
  expect(`${describeEnding(ending)}\n${stderr.replace(/^warning: the group.*\n/gm, '')}`).toBe(
    'ended with code 0\n',
  );
  return stdout;
}

test('Nix reads the revision from worktree and mirror alone, both read-only, and warns of nothing', async () => {
  const repository = await real.init('sample');
  await real.commit(repository, { 'flake.nix': FLAKE, a: '1' });
  const sha = await real.commit(repository, { a: '2' });
  const committedAt = Number(await real.git(repository, 'show', '--no-patch', '--format=%ct'));

  const { worktreeDir, mirrorDir } = await real.checkout.checkOut(
    source(repository),
    { sha, ref: main, isTrusted: true },
    evaluationId(1),
    never,
  );

  const seen = await nixEval(`git+file://${worktreeDir}?rev=${sha}#it`, [worktreeDir, mirrorDir]);

  expect(seen).toContain(`["${sha}",${committedAt},"2","sha256-`);
});

test('another user may read the revision, when it can reach the directories', async () => {
  const repository = await real.init('sample');
  const sha = await real.commit(repository, { a: '1' });
  const old = process.umask(0o077);
  try {
    const { worktreeDir } = await real.checkout.checkOut(
      source(repository),
      { sha, ref: main, isTrusted: true },
      evaluationId(1),
      never,
    );
    // In the place of the bind mounts of the confinement.
    for (const dir of ['', 'state', 'state/mirrors', 'state/worktrees']) {
      await chmod(join(real.dir, dir), 0o755);
    }

    const { stdout, stderr } = await runProcess({
      command: 'setpriv',
      args: ['--reuid=65534', '--regid=65534', '--clear-groups', '--', 'git', 'archive', '--format=tar', sha],
      cwd: worktreeDir,
      env: {
        PATH: process.env['PATH'],
        HOME: '/nonexistent',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
      },
      deadlineMs: 30_000,
    });

    expect(stderr).toBe('');
    expect(stdout).toContain('ustar');
  } finally {
    process.umask(old);
  }
});
