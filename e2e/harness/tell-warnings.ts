/** Of a test that failed, what its coordinator warned of: with the test alone nobody can tell why, and it may not fail again. */
import { afterEach } from 'vitest';

const MOST_LINES = 40;

export function tellWarningsOfFailed(log: () => string): void {
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') {
      const warnings = log()
        .split('\n')
        .filter((line) => /^\{"level":[456]0/.test(line));
      process.stderr.write(`${task.name}:\n${warnings.slice(-MOST_LINES).join('\n')}\n`);
    }
  });
}
