/** With a daemon of our own, which is told whom it trusts. */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type RunningProcess, startProcess } from '@argunix/shared/kit/run-process';
import { until } from '@argunix/shared/kit/testing/until';
import { readNixConfiguration } from '@argunix/shared/nix/nix-configuration';
import { installedNixes, type RealNix } from '@argunix/shared/nix/testing/real-nix';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judgeStoreTrust } from './store-trust.ts';

let dir: string;
let daemon: RunningProcess | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'store-trust-'));
});
afterEach(async () => {
  daemon?.stop();
  await daemon?.ended;
  daemon = undefined;
  await rm(dir, { recursive: true, force: true });
});

async function throughDaemon(nix: RealNix): Promise<RealNix['env']> {
  const socket = join(dir, 'socket');
  daemon = startProcess({
    command: 'nix-daemon',
    args: ['--daemon'],
    env: { ...nix.env, NIX_DAEMON_SOCKET_PATH: socket },
    deadlineMs: 60_000,
    graceMs: 1_000,
    whenOrphaned: 'KILL',
  });
  daemon.stdout.resume();
  daemon.stderr.resume();
  await until(() => readdirSync(dir).includes('socket'));
  return { ...nix.env, NIX_REMOTE: `unix://${socket}` };
}

async function judge(env: RealNix['env'], uid = userInfo().uid): Promise<void> {
  await judgeStoreTrust(await readNixConfiguration(env), env, uid);
}

describe.each(installedNixes('trusted-users = somebody-else'))('$title', (nix) => {
  test.skipIf(nix.isMissing)(
    'a daemon that does not trust us is told of, with what to write where',
    async () => {
      const judged = judge(await throughDaemon(nix));

      await expect(judged).rejects.toMatchObject({ code: 'nix.untrusted' });
      await expect(judged).rejects.toThrow(`add ${userInfo().username} to trusted-users in nix.conf`);
    },
  );

  test.skipIf(nix.isMissing)('a user who has no name is told by its number', async () => {
    await expect(judge(await throughDaemon(nix), 4_123_456)).rejects.toThrow(
      'does not trust the user 4123456',
    );
  });

  test.skipIf(nix.isMissing)('without a daemon nobody needs to trust us', async () => {
    await expect(judge(nix.env)).resolves.toBeUndefined();
  });
});

describe.each(installedNixes(`trusted-users = ${userInfo().username}`))('$title', (nix) => {
  test.skipIf(nix.isMissing)('a daemon that trusts us is as good as none', async () => {
    await expect(judge(await throughDaemon(nix))).resolves.toBeUndefined();
  });
});
