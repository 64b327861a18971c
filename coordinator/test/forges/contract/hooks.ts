import { Secret } from '@argunix/shared/kit/secret';
import { describe, expect, it } from 'vitest';
import type { Scene } from '../forge-subject.ts';
import { aSignal, OURS } from './sample.ts';

const URL_OF_OURS = 'https://ci.example.com/webhook/here/0123456789abcdef';
const WANTED = { url: URL_OF_OURS, secret: new Secret('a first secret') };

export function describeHooks({ subject }: Scene): void {
  describe('hooks', () => {
    it('a hook that was made is complete, and has the secret', async () => {
      const { hooks, standIn } = subject();

      const id = await hooks.create(OURS, WANTED, aSignal());

      expect(await hooks.list(OURS, aSignal())).toEqual([
        { id, url: URL_OF_OURS, isComplete: true, differences: [] },
      ]);
      expect(standIn.hooksOf(OURS)).toMatchObject([
        { id, url: URL_OF_OURS, secret: 'a first secret', isActive: true },
      ]);
    });

    it('hooks of others are listed and left alone', async () => {
      const { hooks, standIn } = subject();
      const theirs = standIn.addHook(OURS, 'https://elsewhere.example.com/hook');
      const before = standIn.hooksOf(OURS);

      const id = await hooks.create(OURS, WANTED, aSignal());
      const now = await hooks.replace(OURS, id, { ...WANTED, secret: new Secret('next') }, aSignal());
      await hooks.remove(OURS, now, aSignal());

      expect((await hooks.list(OURS, aSignal())).map((hook) => [hook.id, hook.url])).toEqual([
        [theirs, 'https://elsewhere.example.com/hook'],
      ]);
      expect(standIn.hooksOf(OURS)).toEqual(before);
    });

    it('all hooks are listed, however many pages there are', async () => {
      const { hooks, standIn } = subject();
      const added = Array.from({ length: 130 }, (_, index) =>
        standIn.addHook(OURS, `https://elsewhere.example.com/${index}`),
      );

      const listed = await hooks.list(OURS, aSignal());

      expect(listed.map((hook) => hook.id).toSorted()).toEqual(added.toSorted());
    });

    it('replacing gives the new URL and the new secret, and leaves one hook', async () => {
      const { hooks, standIn } = subject();
      const id = await hooks.create(OURS, WANTED, aSignal());
      const url = 'https://new.example.com/webhook/here/fedcba9876543210';

      const now = await hooks.replace(OURS, id, { url, secret: new Secret('a second secret') }, aSignal());

      expect(standIn.hooksOf(OURS)).toMatchObject([
        { id: now, url, secret: 'a second secret', isActive: true },
      ]);
    });

    it.each(['inactive', 'events', 'certificates'] as const)(
      'a hook that somebody spoiled (%s) is not complete, says what differs, and replacing mends it',
      async (how) => {
        const { hooks, standIn } = subject();
        const id = await hooks.create(OURS, WANTED, aSignal());
        standIn.spoilHook(OURS, id, how);

        const [spoiled] = await hooks.list(OURS, aSignal());
        await hooks.replace(OURS, id, WANTED, aSignal());
        const [mended] = await hooks.list(OURS, aSignal());

        expect(spoiled?.isComplete).toBe(false);
        expect(spoiled?.differences).not.toEqual([]);
        expect(mended).toMatchObject({ url: URL_OF_OURS, isComplete: true, differences: [] });
      },
    );

    it('replacing a hook that is gone makes it anew', async () => {
      const { hooks, standIn } = subject();
      const id = await hooks.create(OURS, WANTED, aSignal());
      await hooks.remove(OURS, id, aSignal());

      const now = await hooks.replace(OURS, id, WANTED, aSignal());

      expect(standIn.hooksOf(OURS)).toMatchObject([{ id: now, url: URL_OF_OURS, isActive: true }]);
    });

    it('removing a hook that is gone is no error', async () => {
      const { hooks, standIn } = subject();
      const id = await hooks.create(OURS, WANTED, aSignal());

      await hooks.remove(OURS, id, aSignal());
      await hooks.remove(OURS, id, aSignal());

      expect(standIn.hooksOf(OURS)).toEqual([]);
    });

    it('the secret of a hook is in no URL', async () => {
      const { hooks, standIn } = subject();

      await hooks.create(OURS, WANTED, aSignal());

      const urls = standIn.server.requests.map(({ path, query }) => path + JSON.stringify(query));
      expect(urls.join('\n')).not.toMatch(/a(?: |%20|\+)first/);
    });
  });
}
