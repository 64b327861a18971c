import { describe, expect, it } from 'vitest';
import type { ForgeContract, Scene } from '../forge-subject.ts';
import { aRequest, aSignal, FORK, HEAD, MERGE, OURS, toRef, toSha } from './sample.ts';

const OTHER = toSha('b'.repeat(40));

export function describeQuestions(contract: ForgeContract, { subject }: Scene): void {
  describe('repository', () => {
    it('a credential that works passes the probe', async () => {
      await expect(subject().forge.probe(aSignal())).resolves.toBeUndefined();
    });

    it('the forge says whether a repository is private, and its default branch', async () => {
      const facts = await subject().forge.repository(OURS, aSignal());

      expect(facts).toMatchObject({ isPrivate: true, defaultBranch: 'refs/heads/main' });
      expect(facts.webUrl).toContain('owner/name');
    });

    it('a repository that is not there is forbidden', async () => {
      await expect(subject().forge.repository(FORK, aSignal())).rejects.toMatchObject({
        code: 'forge.forbidden',
      });
    });

    it('a new credential is used after refresh, and not before', async () => {
      const { forge } = subject();
      await forge.probe(aSignal());
      subject().rotateCredential();

      await expect(forge.probe(aSignal())).rejects.toMatchObject({ code: 'forge.unauthorized' });
      forge.refresh();
      await expect(forge.probe(aSignal())).resolves.toBeUndefined();
      await expect(forge.repository(OURS, aSignal())).resolves.toMatchObject({ isPrivate: true });
    });

    it('the clone URL is of this forge and holds no credential, which is given apart', async () => {
      const { forge, standIn } = subject();

      const url = new URL(forge.cloneUrl(OURS));
      const credential = await forge.cloneCredential(OURS, aSignal());

      expect(url.href).toBe(`${standIn.server.url}/owner/name.git`);
      expect(credential.username).not.toBe('');
      expect(credential.password.reveal()).not.toBe('');
    });

    it('links lead to the pages of the forge', () => {
      const { forge, standIn } = subject();
      const { links } = forge;

      const made = {
        repository: links.repository(OURS),
        commit: links.commit(OURS, HEAD),
        branch: links.branch(OURS, 'a/b'),
        tag: links.tag(OURS, 'a/b'),
        request: links.request(OURS, 7),
      };

      const wanted = Object.entries(contract.links(OURS, HEAD)).map(([name, path]) => [
        name,
        `${standIn.server.url}${path}`,
      ]);
      expect(made).toEqual(Object.fromEntries(wanted));
    });

    it('a name with odd characters stays within its part of a link', () => {
      const { links } = subject().forge;

      expect(links.branch(OURS, 'a#b?c%')).toMatch(/a%23b%3Fc%25/);
    });
  });

  describe('openRequests', () => {
    it('says of each request what the forge says', async () => {
      const { forge, standIn } = subject();
      standIn.addRequest(OURS, aRequest());
      standIn.addRequest(OURS, aRequest({ number: 8, headSlug: FORK, headSha: OTHER, author: 'stranger' }));
      standIn.addRequest(OURS, aRequest({ number: 9, headSlug: FORK, isDraft: true, baseName: 'release/1' }));
      standIn.addRequest(OURS, aRequest({ number: 10, isOpen: false }));

      const requests = await forge.openRequests(OURS, aSignal());

      const usual = {
        headSha: HEAD,
        headName: 'topic/one',
        baseRef: 'refs/heads/main',
        isFromHere: true,
        author: 'writer',
        isDraft: false,
      };
      expect([...requests].toSorted((one, other) => one.number - other.number)).toEqual([
        { ...usual, number: 7 },
        { ...usual, number: 8, headSha: OTHER, isFromHere: false, author: 'stranger' },
        { ...usual, number: 9, isFromHere: false, isDraft: true, baseRef: toRef('refs/heads/release/1') },
      ]);
    });

    it('a request of a fork that is gone is listed, and not from here', async () => {
      subject().standIn.addRequest(OURS, aRequest({ headSlug: null }));

      const [request] = await subject().forge.openRequests(OURS, aSignal());

      expect(request).toMatchObject({ number: 7, isFromHere: false });
    });

    it('all are listed, however many pages there are', async () => {
      const { forge, standIn } = subject();
      for (let number = 1; number <= 230; number += 1) {
        standIn.addRequest(OURS, aRequest({ number }));
      }

      const requests = await forge.openRequests(OURS, aSignal());

      expect(new Set(requests.map(({ number }) => number)).size).toBe(230);
      expect(requests).toHaveLength(230);
    });
  });

  describe('mayPush', () => {
    it.each([
      ['read', false],
      ['triage', false],
      ['write', true],
      ['maintain', true],
      ['admin', true],
    ] as const)('the role %s: %s', async (role, mayPush) => {
      subject().standIn.grant(OURS, 'someone', role);

      expect(await subject().forge.mayPush(OURS, 'someone', aSignal())).toBe(mayPush);
    });

    it('a login that is nobody’s may not push', async () => {
      expect(await subject().forge.mayPush(OURS, 'nobody', aSignal())).toBe(false);
    });

    it('a login with odd characters asks for that login and no other', async () => {
      subject().standIn.grant(OURS, 'a-bot[bot]', 'write');
      subject().standIn.grant(OURS, 'admin', 'admin');

      expect(await subject().forge.mayPush(OURS, 'a-bot[bot]', aSignal())).toBe(true);
      expect(await subject().forge.mayPush(OURS, '../admin', aSignal())).toBe(false);
      expect(await subject().forge.mayPush(OURS, 'x/../admin?', aSignal())).toBe(false);
      expect(await subject().forge.mayPush(OURS, '..', aSignal())).toBe(false);
      expect(await subject().forge.mayPush(OURS, '', aSignal())).toBe(false);
    });

    it('many may ask at once', async () => {
      // More than there are connections, and few enough for the short deadline on a busy machine.
      subject().standIn.grant(OURS, 'someone', 'write');

      const answers = await Promise.all(
        Array.from({ length: 12 }, () => subject().forge.mayPush(OURS, 'someone', aSignal())),
      );

      expect(new Set(answers)).toEqual(new Set([true]));
    });
  });

  describe('mergeResult', () => {
    it('the head of a request is a ref of the base repository', () => {
      expect(subject().forge.headRef(7)).toBe(contract.headRef(7));
    });

    it('a merge that is there is given with its ref', async (context) => {
      context.skip(contract.mergeRef === null, 'this forge makes no merges of requests');
      subject().standIn.addRequest(OURS, aRequest());
      subject().standIn.setMerge(OURS, 7, { sha: MERGE });

      const result = await subject().forge.mergeResult(OURS, { number: 7, headSha: HEAD }, aSignal());

      expect(result).toEqual({ kind: 'merge', sha: MERGE, ref: contract.mergeRef?.(7) });
    });

    it('a merge that is being worked out comes later', async (context) => {
      context.skip(contract.mergeRef === null, 'this forge makes no merges of requests');
      subject().standIn.addRequest(OURS, aRequest());
      subject().standIn.setMerge(OURS, 7, 'working');

      const result = await subject().forge.mergeResult(OURS, { number: 7, headSha: HEAD }, aSignal());

      expect(result).toEqual({ kind: 'later' });
    });

    it('a conflict is no merge, and says why', async () => {
      subject().standIn.addRequest(OURS, aRequest());
      subject().standIn.setMerge(OURS, 7, 'conflict');

      const result = await subject().forge.mergeResult(OURS, { number: 7, headSha: HEAD }, aSignal());

      expect(result).toMatchObject({ kind: 'none' });
      expect(result.kind === 'none' ? result.reason : '').not.toBe('');
    });

    it('the merge of another head is none of this one', async () => {
      subject().standIn.addRequest(OURS, aRequest());
      subject().standIn.setMerge(OURS, 7, { sha: MERGE });

      const result = await subject().forge.mergeResult(OURS, { number: 7, headSha: OTHER }, aSignal());

      expect(result.kind).not.toBe('merge');
    });

    it('a request that is closed has none', async () => {
      subject().standIn.addRequest(OURS, aRequest({ isOpen: false }));
      subject().standIn.setMerge(OURS, 7, { sha: MERGE });

      const result = await subject().forge.mergeResult(OURS, { number: 7, headSha: HEAD }, aSignal());

      expect(result.kind).toBe('none');
    });
  });
}
