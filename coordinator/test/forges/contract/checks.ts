import { describe, expect, it } from 'vitest';
import type { CheckState } from '../../../src/ports/forge.ts';
import type { ForgeContract, Scene } from '../forge-subject.ts';
import { aCheck, aRequest, aSignal, FORK, HEAD, OURS, toRef, toSha } from './sample.ts';

const STATES: readonly CheckState[] = [
  'pending',
  'success',
  'failure',
  'error',
  'cancelled',
  'action_required',
];

export function describeChecks(contract: ForgeContract, { subject }: Scene): void {
  describe('post', () => {
    it.each(STATES)('the state %s is shown in the word of the forge', async (state) => {
      const check = aCheck({ state });

      await subject().forge.post(OURS, check, aSignal());

      expect(subject().standIn.checksOf(OURS, HEAD)).toEqual([
        {
          context: check.context,
          state: contract.states[state],
          description: check.description,
          url: check.url,
        },
      ]);
    });

    it.each(STATES)('posting %s twice is no error and shows it once', async (state) => {
      const { forge, standIn } = subject();
      const check = aCheck({ state });

      const handle = await forge.post(OURS, check, aSignal());
      const again = await forge.post(OURS, { ...check, handle }, aSignal());
      await forge.post(OURS, { ...check, handle: again }, aSignal());

      expect(standIn.checksOf(OURS, HEAD).map((shown) => shown.state)).toEqual([contract.states[state]]);
    });

    it('posting again without the handle, as after a crash, is no error', async () => {
      const { forge, standIn } = subject();

      await forge.post(OURS, aCheck(), aSignal());
      await forge.post(OURS, aCheck(), aSignal());
      await forge.post(OURS, aCheck({ state: 'success', description: '3 ok' }), aSignal());

      expect(standIn.checksOf(OURS, HEAD)).toMatchObject([
        { state: contract.states.success, description: '3 ok' },
      ]);
    });

    it('every state may follow every other', async () => {
      const { forge, standIn } = subject();
      let handle: string | null = null;
      for (const first of STATES) {
        for (const second of STATES) {
          handle = await forge.post(OURS, aCheck({ state: first, handle }), aSignal());
          handle = await forge.post(OURS, aCheck({ state: second, handle }), aSignal());

          expect(
            standIn.checksOf(OURS, HEAD).map((shown) => shown.state),
            `${first} to ${second}`,
          ).toEqual([contract.states[second]]);
        }
      }
    });

    it('contexts and commits are apart', async () => {
      const { forge, standIn } = subject();
      const other = toSha('d'.repeat(40));

      await forge.post(OURS, aCheck({ state: 'success' }), aSignal());
      await forge.post(
        OURS,
        aCheck({ context: 'argunix: checks.x86_64-linux.a', state: 'failure' }),
        aSignal(),
      );
      await forge.post(OURS, aCheck({ sha: other }), aSignal());

      expect(standIn.checksOf(OURS, HEAD).map((shown) => [shown.context, shown.state])).toEqual([
        ['argunix: evaluation', contract.states.success],
        ['argunix: checks.x86_64-linux.a', contract.states.failure],
      ]);
      expect(standIn.checksOf(OURS, other)).toHaveLength(1);
    });

    it('the head of a request gets its check in the base repository, also that of a fork', async () => {
      const { forge, standIn } = subject();
      standIn.addRequest(OURS, aRequest({ headSlug: FORK }));

      await forge.post(OURS, aCheck({ state: 'success', ref: toRef('refs/pull/7/head') }), aSignal());

      expect(standIn.checksOf(OURS, HEAD)).toHaveLength(1);
    });

    it('a summary of any size and any characters is taken', async () => {
      const { forge, standIn } = subject();
      const summary = `${'ä😀\u0000'.repeat(40_000)}\ud83d`;

      await forge.post(OURS, aCheck({ state: 'failure', summary }), aSignal());

      expect(standIn.checksOf(OURS, HEAD)).toHaveLength(1);
    });

    it('no summary is fine', async () => {
      await subject().forge.post(OURS, aCheck({ state: 'success', summary: null }), aSignal());

      expect(subject().standIn.checksOf(OURS, HEAD)).toHaveLength(1);
    });
  });
}
