/** What is GitLab's alone. */
import { systemClock } from '@argunix/shared/kit/clock';
import { Secret } from '@argunix/shared/kit/secret';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGitLabForge, type GitLab } from '../../../src/adapters/forge/gitlab/gitlab-forge.ts';
import { aCheck, aRequest, aSignal, FORK, HEAD, MERGE, OURS, toRef, toSha } from '../contract/sample.ts';
import { type GitLabStandIn, startGitLabStandIn } from './gitlab-stand-in.ts';

const WANTED = { url: 'https://ci.example.com/webhook/here/1', secret: new Secret('s') };

let standIn: GitLabStandIn;
let gitLab: GitLab;

beforeEach(async () => {
  standIn = await startGitLabStandIn();
  gitLab = createGitLabForge({
    name: 'here',
    webUrl: standIn.server.url,
    readToken: () => Promise.resolve(new Secret(standIn.token())),
    clock: systemClock,
  });
  standIn.addRepository({ slug: OURS, isPrivate: true, defaultBranch: 'main' });
});

afterEach(async () => {
  const { violations } = standIn.server;
  await gitLab.close();
  await standIn.server.close();
  if (violations.length > 0) {
    throw new Error(violations.join('\n'));
  }
});

describe('a status of GitLab', () => {
  it('ends in the pipeline that it began in, though a newer one came for the same commit', async () => {
    const { forge } = gitLab;
    const handle = await forge.post(OURS, aCheck(), aSignal());
    standIn.pipelines(OURS).add(HEAD, 'refs/merge-requests/7/head');

    await forge.post(OURS, aCheck({ state: 'success', handle }), aSignal());

    expect(standIn.pipelines(OURS).jobsOf(HEAD)).toMatchObject([{ status: 'success' }]);
  });

  it('is posted anew where its pipeline was deleted', async () => {
    const { forge } = gitLab;
    const handle = await forge.post(OURS, aCheck(), aSignal());
    standIn.pipelines(OURS).remove(Number(handle));

    const next = await forge.post(OURS, aCheck({ state: 'failure', handle }), aSignal());

    expect(next).not.toBe(handle);
    expect(standIn.checksOf(OURS, HEAD)).toMatchObject([{ state: 'failed' }]);
  });

  it('of a pushed branch goes to the pipeline of that branch', async () => {
    standIn.pipelines(OURS).add(HEAD, 'other');

    await gitLab.forge.post(OURS, aCheck({ ref: toRef('refs/heads/topic/one') }), aSignal());

    expect(standIn.pipelines(OURS).jobsOf(HEAD)).toMatchObject([{ ref: 'topic/one' }]);
  });

  it('of a fork’s head, which is on no branch here, is posted all the same', async () => {
    standIn.addRequest(OURS, aRequest({ headSlug: FORK }));
    const ref = toRef('refs/merge-requests/7/head');

    const handle = await gitLab.forge.post(OURS, aCheck({ ref }), aSignal());
    await gitLab.forge.post(OURS, aCheck({ ref, handle, state: 'success' }), aSignal());

    expect(standIn.pipelines(OURS).jobsOf(HEAD)).toMatchObject([{ status: 'success', ref }]);
  });

  it('goes without its link rather than not at all, where the link is longer than GitLab takes', async () => {
    const url = `https://ci.example.com/${'a'.repeat(250)}`;

    await gitLab.forge.post(OURS, aCheck({ url }), aSignal());

    expect(standIn.checksOf(OURS, HEAD)).toMatchObject([{ state: 'pending', url: '' }]);
  });

  it('two names that are longer than GitLab takes, and alike until then, stay two', async () => {
    const long = `argunix: ${'a'.repeat(300)}`;

    await gitLab.forge.post(OURS, aCheck({ context: `${long}1` }), aSignal());
    await gitLab.forge.post(OURS, aCheck({ context: `${long}2` }), aSignal());

    expect(standIn.checksOf(OURS, HEAD)).toHaveLength(2);
  });

  it('is to be tried again while GitLab is busy with another of the same commit', async () => {
    standIn.server.trouble({ kind: 'status', status: 409 }, 1);

    await expect(gitLab.forge.post(OURS, aCheck(), aSignal())).rejects.toMatchObject({
      code: 'forge.failed',
    });
  });
});

describe('a merge request of GitLab', () => {
  it('is not missed because others were closed while the list was read', async () => {
    for (let number = 1; number <= 250; number += 1) {
      standIn.addRequest(OURS, aRequest({ number }));
    }
    standIn.afterNextList(() => {
      for (let number = 1; number <= 30; number += 1) {
        standIn.closeRequest(OURS, number);
      }
    });

    const listed = new Set((await gitLab.forge.openRequests(OURS, aSignal())).map(({ number }) => number));

    for (let number = 31; number <= 250; number += 1) {
      expect(listed.has(number), String(number)).toBe(true);
    }
  });

  it('is not taken for merged as it is, if the merge is of another head', async () => {
    standIn.addRequest(OURS, aRequest());
    standIn.setMerge(OURS, 7, { sha: MERGE });
    const other = toSha('b'.repeat(40));
    standIn.setParents(MERGE, [other]);

    const result = await gitLab.forge.mergeResult(OURS, { number: 7, headSha: HEAD }, aSignal());

    expect(result.kind).toBe('none');
  });
});

describe('a user of GitLab', () => {
  it('that a delivery named by id alone may push like by name', async () => {
    standIn.grant(OURS, 'writer', 'write');
    standIn.grant(OURS, 'reader', 'read');

    const may = async (login: string): Promise<boolean> => await gitLab.forge.mayPush(OURS, login, aSignal());

    expect(await may(`#${standIn.userId('writer')}`)).toBe(true);
    expect(await may(`#${standIn.userId('reader')}`)).toBe(false);
    expect(await may('#99999')).toBe(false);
    expect(await may('#')).toBe(false);
  });

  it('does not get the rights of another whose name the search found too', async () => {
    standIn.grant(OURS, 'writer-of-all', 'admin');
    standIn.userId('writer');

    expect(await gitLab.forge.mayPush(OURS, 'writer', aSignal())).toBe(false);
    expect(await gitLab.forge.mayPush(OURS, 'WRITER-OF-ALL', aSignal())).toBe(false);
  });

  it('is not said to have no rights in a project that cannot be seen', async () => {
    standIn.userId('writer');

    await expect(gitLab.forge.mayPush(FORK, 'writer', aSignal())).rejects.toMatchObject({
      code: 'forge.forbidden',
    });
  });
});

describe('a hook of GitLab', () => {
  it.each(['inactive', 'signing-token'] as const)('that no change mends (%s) is made anew', async (how) => {
    const id = await gitLab.hooks.create(OURS, WANTED, aSignal());
    standIn.spoil(OURS, id, how);

    const next = await gitLab.hooks.replace(OURS, id, WANTED, aSignal());

    expect(next).not.toBe(id);
    expect(await gitLab.hooks.list(OURS, aSignal())).toMatchObject([{ id: next, isComplete: true }]);
  });

  it('that rewrites its body is mended and keeps its id', async () => {
    const id = await gitLab.hooks.create(OURS, WANTED, aSignal());
    standIn.spoil(OURS, id, 'template');
    const [spoiled] = await gitLab.hooks.list(OURS, aSignal());

    const next = await gitLab.hooks.replace(OURS, id, WANTED, aSignal());

    expect(spoiled?.isComplete).toBe(false);
    expect(next).toBe(id);
    expect(await gitLab.hooks.list(OURS, aSignal())).toMatchObject([{ isComplete: true }]);
  });
});
