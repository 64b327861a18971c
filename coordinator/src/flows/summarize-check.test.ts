import type { EvaluationId, JobId } from '@argunix/shared/domain/ids';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ForgeStores, openForgeStores } from '../../test/forge-fixture.ts';
import { building, queued } from '../../test/store-fixture.ts';
import type { DueCheck } from '../ports/check-store.ts';
import type { CheckState } from '../ports/forge.ts';
import { summarize } from './summarize-check.ts';

let stores: ForgeStores;
beforeAll(async () => {
  stores = await openForgeStores();
});
afterAll(async () => {
  await stores.close();
});

let asked: { readonly jobId: number; readonly count: number }[] = [];
let printed = (jobId: number): readonly string[] => [`the end of ${jobId}`];
beforeEach(() => {
  asked = [];
  printed = (jobId) => [`the end of ${jobId}`];
});
const ports = () => ({
  ...stores,
  logs: {
    tail: (jobId: number, count: number) => {
      asked.push({ jobId, count });
      const lines = printed(jobId).map((text, number) => ({ number, text }));
      return Promise.resolve({ lines: lines as never[], isLive: false });
    },
  },
});
function check(
  evaluationId: EvaluationId | null,
  jobId: JobId | null,
  state: CheckState = 'failure',
): DueCheck {
  return {
    id: 1,
    repositoryId: stores.repository.id,
    sha: 'a'.repeat(40) as never,
    context: 'argunix: evaluation',
    evaluationId,
    jobId,
    state,
    description: 'It failed.',
    url: 'https://ci.test/1',
    version: 1,
    handle: null,
    refusals: 0,
    changedAt: stores.clock.now(),
  };
}
async function ended(
  ends: Readonly<Record<string, 'failure' | 'success' | 'dependency_failed' | 'cancelled'>>,
) {
  const { id, jobIds } = await building(stores, Object.keys(ends));
  const statuses = Object.values(ends);
  await stores.jobs.settle(
    jobIds.map((jobId, at) => ({
      jobId,
      attempt: 1,
      status: statuses[at] ?? 'error',
      reason: `no ${at}`,
      causeJobId: null,
    })),
    null,
    stores.clock.now(),
  );
  return { id, jobIds };
}

describe('the summary of an evaluation', () => {
  test('has counts, and the end of the log of each failure', async () => {
    const { id, jobIds } = await ended({ a: 'success', b: 'failure' });

    const text = await summarize(ports(), check(id, null));

    expect(text).toBe(
      `| success | failure |\n| ---: | ---: |\n| 1 | 1 |\n\n### \` b \`\n\n\` no 1 \`\n\n\`\`\`text\nthe end of ${jobIds[1]}\n\`\`\``,
    );
    expect(asked).toEqual([{ jobId: jobIds[1], count: 20 }]);
  });

  test('names failures before what failed by them, ten at the most, and how many more there are', async () => {
    const ends = Object.fromEntries([
      ...Array.from({ length: 8 }, (_, at) => [`a${at}`, 'dependency_failed' as const] as const),
      ...Array.from({ length: 5 }, (_, at) => [`z${at}`, 'failure' as const] as const),
    ]);
    const { id } = await ended(ends);

    const text = await summarize(ports(), check(id, null));

    const named = [...(text ?? '').matchAll(/^### ` (\w+) `$/gm)].map(([, name]) => name);
    expect(named).toEqual(['z0', 'z1', 'z2', 'z3', 'z4', 'a0', 'a1', 'a2', 'a3', 'a4']);
    expect(text).toContain('And 3 more; the page has all of them.');
    expect(asked).toHaveLength(10);
  });

  // What was cancelled came first by its name, and there was no room for what had failed.
  test('shows what failed of one of which the rest was cancelled', async () => {
    const ends = Object.fromEntries([
      ...Array.from({ length: 12 }, (_, at) => [`a${at}`, 'cancelled' as const] as const),
      ['z', 'failure' as const],
    ]);
    const { id } = await ended(ends);

    const text = await summarize(ports(), check(id, null));

    expect([...(text ?? '').matchAll(/^### ` (\w+) `$/gm)].map(([, name]) => name)).toEqual(['z']);
    expect(text).not.toContain('more;');
  });

  test('says why it did not evaluate', async () => {
    const id = await queued(stores);
    await stores.evaluations.begin(id, stores.clock.now());
    await stores.evaluations.fail(id, 'attribute `a` is missing', stores.clock.now());

    expect(await summarize(ports(), check(id, null))).toContain('```text\nattribute `a` is missing\n```');
  });

  test('has room for every failure, however long a line of one is', async () => {
    const { id } = await ended({ a: 'failure', b: 'failure' });
    printed = () => ['` '.repeat(1_000_000)];

    const text = await summarize(ports(), check(id, null));

    expect(text?.length).toBeLessThan(3_000);
    expect(text).toContain('### ` b `');
  });
});

test('the summary of a job is its sentence and the end of its log', async () => {
  const { id, jobIds } = await ended({ a: 'failure' });

  const text = await summarize(ports(), check(id, jobIds[0] ?? null));

  expect(text).toBe(`\` It failed. \`\n\n\`\`\`text\nthe end of ${jobIds[0]}\n\`\`\``);
  expect(asked).toEqual([{ jobId: jobIds[0], count: 100 }]);
});

test('what is pending, or of an evaluation that is gone, has no summary, and no log is read', async () => {
  const { id, jobIds } = await ended({ a: 'failure' });

  expect(await summarize(ports(), check(id, jobIds[0] ?? null, 'pending'))).toBeNull();
  expect(await summarize(ports(), check(null, null))).toBeNull();
  expect(asked).toEqual([]);
});
