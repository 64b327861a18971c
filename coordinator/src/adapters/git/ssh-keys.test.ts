import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '@argunix/shared/domain/sha';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type GitSshServer, newSshKey, publicOf, startGitSshServer } from '../../../test/git-ssh-server.ts';
import {
  evaluationId,
  makeRealGit,
  never,
  type RealGit,
  ref,
  source,
  troubleOf,
} from '../../../test/real-git.ts';
import type { Source } from '../../ports/source-checkout.ts';

let real: RealGit;
let server: GitSshServer;
let revision: Sha;
let clientKey: string;
let hostKey: string;
let keyPath: string;
let closers: GitSshServer[];
beforeEach(async () => {
  real = await makeRealGit();
  [clientKey, hostKey] = [newSshKey(), newSshKey()];
  // What the shell, ssh and git might read in another way.
  keyPath = join(real.dir, `a key's 100% $HOME.pem`);
  await writeFile(keyPath, clientKey, { mode: 0o600 });
  revision = await real.commit(await real.init('owner/sample.git'), { a: '1' });
  closers = [];
  server = await serve();
});
afterEach(async () => {
  await Promise.all(closers.map(async (one) => await one.close()));
  await real.remove();
});

async function serve(
  changes: { readonly hostKey?: string; readonly port?: number } = {},
): Promise<GitSshServer> {
  const one = await startGitSshServer({ root: join(real.dir, 'remotes'), clientKey, hostKey, ...changes });
  closers.push(one);
  return one;
}

function withKey(path = keyPath): Source {
  return source(`ssh://git@127.0.0.1:${server.port}/owner/sample.git`, {
    credential: { kind: 'ssh_key', path },
  });
}

test('a repository is cloned with its key, and no other key is offered', async () => {
  const home = join(real.dir, '.ssh');
  await mkdir(home);
  await writeFile(join(home, 'id_ed25519'), newSshKey(), { mode: 0o600 });
  const checkout = real.createCheckout({
    environment: { ...process.env, HOME: real.dir, SSH_AUTH_SOCK: join(real.dir, 'agent') },
  });

  const { worktreeDir } = await checkout.checkOut(
    withKey(),
    { sha: revision, ref: ref('main'), isTrusted: true },
    evaluationId(1),
    never,
  );

  expect(await readFile(join(worktreeDir, 'a'), 'utf8')).toBe('1');
  expect(new Set(server.tried.filter((one) => one.startsWith('publickey')))).toEqual(
    new Set([`publickey ${publicOf(clientKey)}`]),
  );
});

test('a host key is taken when first seen, kept over restarts, and another one refused with what to do', async () => {
  await real.checkout.look(withKey(), never);
  const known = await readFile(join(real.state.mirrorsDir, '.home/known_hosts'), 'utf8');
  const { port } = server;
  await server.close();
  closers = [];
  const impostor = await serve({ hostKey: newSshKey(), port });

  const trouble = await troubleOf(real.createCheckout().look(withKey(), never));

  expect(known).toContain(publicOf(hostKey));
  expect(trouble).toMatch(
    /^git\.unreachable: .*its SSH host key is not the one that was seen first; .*known_hosts/,
  );
  expect(await readFile(join(real.state.mirrorsDir, '.home/known_hosts'), 'utf8')).toBe(known);
  expect(impostor.tried).toEqual([]);
});

test('a key that is not let in, one that others may read, and one that is not there have sentences', async () => {
  const stranger = join(real.dir, 'stranger');
  await writeFile(stranger, newSshKey(), { mode: 0o600 });
  expect(await troubleOf(real.checkout.look(withKey(stranger), never))).toMatch(
    /^git\.unreachable: .*it asks for other credentials/,
  );

  await chmod(keyPath, 0o644);
  expect(await troubleOf(real.checkout.look(withKey(), never))).toMatch(
    /^git\.unreachable: .*ssh takes no private key that others may read/,
  );

  expect(await troubleOf(real.checkout.look(withKey('/none'), never))).toMatch(
    /^secret\.unreadable: clone\.ssh_key_path: .*ENOENT for \/none/,
  );
});

test('a key is not taken to another transport', async () => {
  const credential = { kind: 'ssh_key', path: keyPath } as const;

  expect(
    await troubleOf(real.checkout.look(source('https://forge.example/x', { credential }), never)),
  ).toMatch(/^git\.refused: /);
});
