import { isAppError } from '@argunix/shared/kit/app-error';
import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import { createGitHubForge } from '../../../src/adapters/forge/github/create-github.ts';
import type { AppHook } from '../../../src/ports/forge-hooks.ts';
import { aSignal, OURS, toSlug } from '../contract/sample.ts';
import { type GitHubScene, openScene } from './scene.ts';
import { openAsApp, openWithToken } from './subjects.ts';

const LOOKED = 'GET /repos/owner/name/installation';
const TOKEN = 'POST /app/installations/11/access_tokens';
const REPOSITORY = 'GET /repos/owner/name';
const MINUTE = 60_000;

describe('tokens of an installation', () => {
  it('one is asked for, however many want it at once', async () => {
    const { forge, asked } = await openScene(openAsApp);

    await Promise.all(Array.from({ length: 20 }, async () => await forge.repository(OURS, aSignal())));

    expect(asked().filter((name) => name !== REPOSITORY)).toEqual([LOOKED, TOKEN]);
  });

  it('one is used until a quarter of an hour before its end, and no longer', async () => {
    const { forge, asked, advance } = await openScene(openAsApp);

    await forge.repository(OURS, aSignal());
    advance(44 * MINUTE);
    await forge.repository(OURS, aSignal());
    advance(2 * MINUTE);
    await forge.repository(OURS, aSignal());

    expect(asked()).toEqual([LOOKED, TOKEN, REPOSITORY, REPOSITORY, TOKEN, REPOSITORY]);
  });

  it('one that is revoked is replaced once, without anybody noticing', async () => {
    const { forge, asked, standIn } = await openScene(openAsApp);
    await forge.repository(OURS, aSignal());
    standIn.keeper.revokeInstallationTokens();
    const from = asked().length;

    await expect(forge.repository(OURS, aSignal())).resolves.toMatchObject({ isPrivate: true });

    expect(asked(from)).toEqual([REPOSITORY, TOKEN, REPOSITORY]);
  });

  it('many that find theirs revoked ask for one new one', async () => {
    const { forge, asked, standIn } = await openScene(openAsApp);
    await forge.repository(OURS, aSignal());
    standIn.keeper.revokeInstallationTokens();
    const from = asked().length;

    await Promise.all(Array.from({ length: 8 }, async () => await forge.repository(OURS, aSignal())));

    expect(asked(from).filter((name) => name === TOKEN)).toHaveLength(1);
  });

  it('a change that found its token revoked is made once', async () => {
    const { hooks, forge, standIn } = await openScene(openAsApp);
    await forge.repository(OURS, aSignal());
    standIn.keeper.revokeInstallationTokens();

    await hooks.create(OURS, { url: 'https://ci.example.com/h', secret: new Secret('s') }, aSignal());

    expect(standIn.hooksOf(OURS)).toHaveLength(1);
  });

  it('what clones may only read this one repository', async () => {
    const { forge, standIn } = await openScene(openAsApp);

    const { username, password } = await forge.cloneCredential(OURS, aSignal());

    const [given] = standIn.keeper.given;
    expect(username).toBe('x-access-token');
    expect(password.reveal()).toBe(given?.text);
    expect(given).toMatchObject({ repositories: ['name'], isReadOnly: true });
  });

  it('what clones is kept apart from what posts, and from what clones another repository', async () => {
    const { forge, standIn } = await openScene(openAsApp);
    const other = toSlug('owner/other');
    standIn.addRepository({ slug: other, isPrivate: true, defaultBranch: 'main' });

    const one = await forge.cloneCredential(OURS, aSignal());
    await forge.repository(OURS, aSignal());
    const two = await forge.cloneCredential(other, aSignal());
    const again = await forge.cloneCredential(OURS, aSignal());

    expect(new Set([one, two, again].map(({ password }) => password.reveal())).size).toBe(2);
    expect(again.password.reveal()).toBe(one.password.reveal());
  });

  it('one caller that goes away leaves the others their token', async () => {
    const { forge, standIn } = await openScene(openAsApp);
    const controller = new AbortController();
    const reason = new Error('gone');
    standIn.server.trouble({ kind: 'cut' }, 1);

    const leaving = forge.repository(OURS, controller.signal);
    const staying = forge.repository(OURS, aSignal());
    controller.abort(reason);

    await expect(leaving).rejects.toBe(reason);
    await expect(staying).resolves.toMatchObject({ isPrivate: true });
  });
});

describe('installations', () => {
  it('a repository without one is forbidden, and works as soon as there is one', async () => {
    const { forge, standIn } = await openScene(openAsApp);
    const slug = toSlug('elsewhere/name');
    standIn.addRepository({ slug, isPrivate: false, defaultBranch: 'main' });

    await expect(forge.repository(slug, aSignal())).rejects.toMatchObject({
      code: 'forge.forbidden',
      message: 'here: the App is not installed for elsewhere/name.',
    });
    standIn.app.installations.set('elsewhere', { id: 12, isSuspended: false });

    await expect(forge.repository(slug, aSignal())).resolves.toMatchObject({ isPrivate: false });
  });

  it('each owner has a token of its own', async () => {
    const { forge, standIn } = await openScene(openAsApp);
    const slug = toSlug('elsewhere/name');
    standIn.addRepository({ slug, isPrivate: false, defaultBranch: 'main' });
    standIn.app.installations.set('elsewhere', { id: 12, isSuspended: false });

    await forge.repository(OURS, aSignal());
    await forge.repository(slug, aSignal());

    expect(standIn.keeper.given.map(({ installation }) => installation)).toEqual([11, 12]);
  });

  it('one that was removed and made anew is found by itself', async () => {
    const { forge, standIn, advance } = await openScene(openAsApp);
    await forge.repository(OURS, aSignal());
    standIn.app.installations.set('owner', { id: 21, isSuspended: false });
    standIn.keeper.revokeInstallationTokens();
    advance(50 * MINUTE);

    await expect(forge.repository(OURS, aSignal())).resolves.toMatchObject({ isPrivate: true });

    expect(standIn.keeper.given.at(-1)?.installation).toBe(21);
  });

  it('one that is suspended is forbidden, and says so', async () => {
    const { forge, standIn } = await openScene(openAsApp);
    standIn.app.installations.set('owner', { id: 11, isSuspended: true });

    await expect(forge.repository(OURS, aSignal())).rejects.toMatchObject({
      code: 'forge.forbidden',
      message: 'here: the installation of the App for owner/name is suspended.',
    });
  });

  it('all that are known are asked for anew when told to', async () => {
    const { forge, github, standIn, asked } = await openScene(openAsApp);
    await forge.repository(OURS, aSignal());
    const from = asked().length;
    standIn.app.installations.set('owner', { id: 31, isSuspended: false });

    await hookOf(github).refreshInstallations(aSignal());
    await forge.repository(OURS, aSignal());

    expect(asked(from)).toEqual([LOOKED, 'POST /app/installations/31/access_tokens', REPOSITORY]);
  });

  it('asking anew is no error where one is gone, and one where GitHub is', async () => {
    const { forge, github, standIn } = await openScene(openAsApp);
    await forge.repository(OURS, aSignal());
    standIn.app.installations.clear();

    await expect(hookOf(github).refreshInstallations(aSignal())).resolves.toBeUndefined();
    await expect(forge.repository(OURS, aSignal())).rejects.toMatchObject({ code: 'forge.forbidden' });
    standIn.server.trouble({ kind: 'status', status: 500 });
    await expect(hookOf(github).refreshInstallations(aSignal())).rejects.toMatchObject({
      code: 'forge.failed',
    });
  });
});

describe('the hook of the App', () => {
  const wanted = { url: 'https://ci.example.com/webhook/here', secret: new Secret('of the App') };

  it('is set with its secret', async () => {
    const { github, standIn } = await openScene(openAsApp);

    await hookOf(github).configure(wanted, aSignal());

    expect(standIn.app.hook).toEqual({
      url: wanted.url,
      content_type: 'json',
      secret: 'of the App',
      insecure_ssl: '0',
    });
  });

  it('what the App lacks is named as its page names it, after the hook was set', async () => {
    const { github, standIn } = await openScene(openAsApp);
    standIn.app.events = ['push', 'check_run'];
    standIn.app.permissions = { checks: 'read', contents: 'write', metadata: 'read', pull_requests: 'read' };

    const error: unknown = await hookOf(github)
      .configure(wanted, aSignal())
      .catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: 'forge.forbidden',
      details: { missing: ['checks', 'pull_request'] },
    });
    expect(isAppError(error) ? error.message : '').toMatch(
      /"Checks: read and write", "the event Pull request"/,
    );
    expect(standIn.app.hook).toMatchObject({ url: wanted.url });
  });

  it('a token has none', async () => {
    const { github } = await openScene(openWithToken);

    expect(github.appHook).toBeNull();
  });

  it.each([401, 403, 404, 500])('is trouble when GitHub answers %d', async (status) => {
    const codes: Record<number, string> = {
      401: 'forge.unauthorized',
      403: 'forge.forbidden',
      404: 'forge.forbidden',
      500: 'forge.failed',
    };
    const { github, standIn } = await openScene(openAsApp);
    standIn.server.trouble({ kind: 'status', status });

    await expect(hookOf(github).configure(wanted, aSignal())).rejects.toMatchObject({ code: codes[status] });
  });
});

describe('a credential that cannot be used', () => {
  const clock = { now: () => 0 as never, sleep: async () => await Promise.resolve() };
  const PLACE = { name: 'here', webUrl: 'http://127.0.0.1:9', clock };

  it.each([
    ['a file that is gone', () => Promise.reject(new Error('ENOENT for /run/token'))],
    ['a text that goes into no header', () => Promise.resolve(new Secret('two\nlines'))],
    ['an empty one', () => Promise.resolve(new Secret(''))],
  ])('%s as a token is unauthorized, and tells nothing of it', async (_, read) => {
    const { forge, close } = createGitHubForge({ ...PLACE, credential: { kind: 'token', read } });

    const error: unknown = await forge.probe(aSignal()).catch((thrown: unknown) => thrown);
    await close();

    expect(error).toMatchObject({ code: 'forge.unauthorized' });
    expect(isAppError(error) ? error.message : '').not.toMatch(/two/);
  });

  it.each([
    ['a file that is gone', () => Promise.reject(new Error('ENOENT for /run/key'))],
    ['no PEM', () => Promise.resolve(new Secret('hunter2'))],
    [
      'a PEM of nothing',
      () =>
        Promise.resolve(
          new Secret('-----BEGIN RSA PRIVATE KEY-----\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----'),
        ),
    ],
  ])('%s as a key is unauthorized, and tells nothing of it', async (_, readKey) => {
    const { forge, close } = createGitHubForge({ ...PLACE, credential: { kind: 'app', appId: 1, readKey } });

    const error: unknown = await forge.probe(aSignal()).catch((thrown: unknown) => thrown);
    await close();

    expect(error).toMatchObject({ code: 'forge.unauthorized' });
    expect(isAppError(error) ? error.message : '').not.toMatch(/hunter2|aHVudGVyMg/);
  });

  it('one that could not be read is read again at the next use', async () => {
    const { forge, standIn } = await openScene(openWithToken);
    const reads: string[] = [];
    const again = createGitHubForge({
      ...PLACE,
      webUrl: standIn.server.url,
      credential: {
        kind: 'token',
        read: async () => {
          reads.push('read');
          return reads.length === 1
            ? await Promise.reject(new Error('EACCES'))
            : await Promise.resolve(new Secret('ghp_firstFirstFirst'));
        },
      },
    });

    await expect(again.forge.probe(aSignal())).rejects.toMatchObject({ code: 'forge.unauthorized' });
    await expect(again.forge.probe(aSignal())).resolves.toBeUndefined();
    await expect(again.forge.probe(aSignal())).resolves.toBeUndefined();
    await again.close();

    expect(reads).toHaveLength(2);
    expect(forge.kind).toBe('github');
  });
});

function hookOf(github: GitHubScene['github']): AppHook {
  if (github.appHook === null) {
    throw new Error('an App has a hook');
  }
  return github.appHook;
}
