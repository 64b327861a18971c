import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { aCheck, aSignal, HEAD, OURS } from '../contract/sample.ts';
import { type GitHubScene, openScene } from './scene.ts';
import { openAsApp, openWithToken } from './subjects.ts';

const RUNS = '/repos/owner/name/check-runs';
const Sent = z.object({
  output: z.object({ title: z.string(), summary: z.string() }),
  actions: z.array(z.object({ identifier: z.string() })),
  external_id: z.string(),
});

/** What was posted of runs, and how. */
function posts({ asked }: GitHubScene): readonly string[] {
  return asked()
    .filter((name) => name.includes('check-runs'))
    .map((name) => name.replace(/\d+$/, 'N'));
}

function lastSent({ standIn }: GitHubScene): z.infer<typeof Sent> {
  return Sent.parse(standIn.server.requests.at(-1)?.body);
}

describe('check runs of an App', () => {
  it('a run is changed while it is the same run, and replaced when it is pending again', async () => {
    const scene = await openScene(openAsApp);
    const { forge } = scene;

    const running = await forge.post(OURS, aCheck(), aSignal());
    const done = await forge.post(OURS, aCheck({ state: 'failure', handle: running }), aSignal());
    const other = await forge.post(OURS, aCheck({ state: 'cancelled', handle: done }), aSignal());
    const again = await forge.post(OURS, aCheck({ handle: other }), aSignal());
    await forge.post(OURS, aCheck({ state: 'success', handle: again }), aSignal());

    expect(posts(scene)).toEqual([
      `POST ${RUNS}`,
      `PATCH ${RUNS}/N`,
      `PATCH ${RUNS}/N`,
      `POST ${RUNS}`,
      `PATCH ${RUNS}/N`,
    ]);
    expect(again).not.toBe(other);
  });

  it('a run that is gone is made anew', async () => {
    const scene = await openScene(openAsApp);

    const handle = await scene.forge.post(OURS, aCheck({ handle: '999999' }), aSignal());

    expect(posts(scene)).toEqual([`PATCH ${RUNS}/N`, `POST ${RUNS}`]);
    expect(handle).not.toBe('999999');
  });

  it('a run of another App is left alone, and ours is made beside it', async () => {
    const scene = await openScene(openAsApp);
    const theirs = scene.standIn.addForeignRun(OURS, HEAD);

    await scene.forge.post(OURS, aCheck({ handle: String(theirs) }), aSignal());

    expect(scene.standIn.checksOf(OURS, HEAD).map(({ context }) => context)).toEqual([
      'another: check',
      'argunix: evaluation',
    ]);
  });

  it.each(['rubbish', '', '12:', '../1', '1:completed:x'])(
    'a handle that is none of ours (%j) is no error',
    async (handle) => {
      const scene = await openScene(openAsApp);

      await scene.forge.post(OURS, aCheck({ handle }), aSignal());

      expect(posts(scene)).toEqual([`POST ${RUNS}`]);
    },
  );

  it('only what waits for a person has the button, and it goes with the state', async () => {
    const scene = await openScene(openAsApp);
    const { forge } = scene;

    const handle = await forge.post(OURS, aCheck({ state: 'action_required' }), aSignal());
    const asking = lastSent(scene);
    await forge.post(OURS, aCheck({ state: 'cancelled', handle }), aSignal());
    const over = lastSent(scene);

    expect(asking.actions).toMatchObject([{ identifier: 'approve' }]);
    expect(over.actions).toEqual([]);
    expect(asking.external_id).toBe('evaluation:1');
  });

  it('a summary is cut to 65 535 bytes, and fills them', async () => {
    const scene = await openScene(openAsApp);

    await scene.forge.post(OURS, aCheck({ summary: 'ä'.repeat(40_000) }), aSignal());

    const { summary } = lastSent(scene).output;
    expect(Buffer.byteLength(summary)).toBe(65_535);
    expect(summary).toMatch(/^ä+\n\n…$/);
  });

  it('a name and a title that are too long are cut', async () => {
    const scene = await openScene(openAsApp);
    const long = 'x'.repeat(1_000);

    await scene.forge.post(OURS, aCheck({ context: `argunix: ${long}`, description: long }), aSignal());

    expect(scene.standIn.checksOf(OURS, HEAD)).toHaveLength(1);
  });

  it('without a description the context is the title', async () => {
    const scene = await openScene(openAsApp);

    await scene.forge.post(OURS, aCheck({ description: '', summary: null }), aSignal());

    expect(lastSent(scene).output).toEqual({ title: 'argunix: evaluation', summary: 'argunix: evaluation' });
  });
});

describe('statuses of a token', () => {
  it('a description is cut to 140 characters', async () => {
    const { forge, standIn } = await openScene(openWithToken);

    await forge.post(OURS, aCheck({ description: '😀'.repeat(200) }), aSignal());

    const [shown] = standIn.checksOf(OURS, HEAD);
    expect(Array.from(shown?.description ?? '')).toHaveLength(140);
  });

  it('show no markdown, and need no handle', async () => {
    const { forge } = await openScene(openWithToken);

    expect(forge.showsMarkdown).toBe(false);
    expect(await forge.post(OURS, aCheck(), aSignal())).toBeNull();
  });

  it('a right that is missing is named for both kinds of token', async () => {
    const { forge, standIn } = await openScene(openWithToken);
    standIn.server.trouble({ kind: 'status', status: 403, body: { message: 'Resource not accessible' } });

    await expect(forge.post(OURS, aCheck(), aSignal())).rejects.toMatchObject({
      message: expect.stringMatching(
        /scope repo:status \(a fine-grained one: Commit statuses: read and write\)/,
      ) as string,
    });
  });
});
