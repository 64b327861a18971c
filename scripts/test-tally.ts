/** What a run of the tests came to, and the one line it closes with. */
import { z } from 'zod';

export const TestTally = z.object({
  passed: z.int().nonnegative(),
  /** Besides tests that failed: a file that could not be loaded, a hook that failed, an error nobody awaited. */
  failed: z.int().nonnegative(),
  skipped: z.array(z.object({ title: z.string(), reason: z.string() })),
});
export type TestTally = z.infer<typeof TestTally>;

export const NO_REASON = 'no reason given: skip with context.skip(condition, reason)';

/** The tests as a person counts them: nothing that did not run to a good end is left out. */
export function judgeTally(tally: TestTally | undefined, vitestExitCode: number | null): Judgement {
  if (tally === undefined) {
    return failedFor(`vitest ended with ${vitestExitCode ?? 'a signal'} before it told its results`);
  }
  if (tally.passed + tally.failed + tally.skipped.length === 0) {
    return failedFor('no test was found');
  }
  if (vitestExitCode !== 0 && tally.failed === 0) {
    return {
      tally: { ...tally, failed: 1 },
      trouble: `every test passed, but vitest ended with ${vitestExitCode ?? 'a signal'}`,
    };
  }
  return { tally, trouble: undefined };
}

export interface Judgement {
  readonly tally: TestTally;
  readonly trouble: string | undefined;
}

function failedFor(trouble: string): Judgement {
  return { tally: { passed: 0, failed: 1, skipped: [] }, trouble };
}

export function closingLine(passed: number, failed: number, skipped: number): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
