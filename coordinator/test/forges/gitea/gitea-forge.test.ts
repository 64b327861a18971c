/** What is Gitea's and Forgejo's alone. */
import { systemClock } from '@argunix/shared/kit/clock';
import { Secret } from '@argunix/shared/kit/secret';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGiteaForge, type Gitea } from '../../../src/adapters/forge/gitea/gitea-forge.ts';
import { aRequest, aSignal, OURS } from '../contract/sample.ts';
import { type GiteaStandIn, startGiteaStandIn } from './gitea-stand-in.ts';

const WANTED = { url: 'https://ci.example.com/webhook/here/1', secret: new Secret('s') };

describe.each(['gitea', 'forgejo'] as const)('%s', (kind) => {
  let standIn: GiteaStandIn;
  let gitea: Gitea;

  beforeEach(async () => {
    standIn = await startGiteaStandIn(kind);
    gitea = createGiteaForge({
      name: 'here',
      webUrl: standIn.server.url,
      readToken: () => Promise.resolve(new Secret(standIn.token())),
      clock: systemClock,
    });
    standIn.addRepository({ slug: OURS, isPrivate: false, defaultBranch: 'main' });
  });

  afterEach(async () => {
    const { violations } = standIn.server;
    await gitea.close();
    await standIn.server.close();
    if (violations.length > 0) {
      throw new Error(violations.join('\n'));
    }
  });

  it('no request is missed because others were closed while the list was read', async () => {
    for (let number = 1; number <= 170; number += 1) {
      standIn.addRequest(OURS, aRequest({ number }));
    }
    standIn.afterNextPage(() => {
      for (let number = 1; number <= 60; number += 1) {
        standIn.closeRequest(OURS, number);
      }
    });

    const listed = new Set((await gitea.forge.openRequests(OURS, aSignal())).map(({ number }) => number));

    for (let number = 61; number <= 170; number += 1) {
      expect(listed.has(number), String(number)).toBe(true);
    }
  });

  it('a hook is there at every moment while it is replaced', async () => {
    const id = await gitea.hooks.create(OURS, WANTED, aSignal());
    const before = standIn.server.requests.length;

    const next = await gitea.hooks.replace(OURS, id, WANTED, aSignal());

    const methods = standIn.server.requests.slice(before).map(({ method }) => method);
    expect(methods).toEqual(['POST', 'DELETE']);
    expect(standIn.hooksOf(OURS)).toMatchObject([{ id: next }]);
  });

  it.each(['form', 'filter'] as const)('a hook that was changed (%s) is not complete', async (how) => {
    const id = await gitea.hooks.create(OURS, WANTED, aSignal());
    standIn.spoil(OURS, id, how);

    expect(await gitea.hooks.list(OURS, aSignal())).toMatchObject([{ isComplete: false }]);
  });

  it('the public repository of a hidden owner is private', async () => {
    standIn.hideOwner(OURS);

    expect(await gitea.forge.repository(OURS, aSignal())).toMatchObject({ isPrivate: true });
  });
});
