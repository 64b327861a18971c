/**
 * A vitest reporter that counts. vitest's own JSON has no unhandled errors, and calls a test whose hook failed
 * skipped; here both are failures. The tally goes to the file named by ARGUNIX_TALLY when the run has ended, so a
 * run that ended otherwise leaves none.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import { NO_REASON, type TestTally } from './test-tally.ts';

// vitest asks a reporter module for a default export.
// oxlint-disable-next-line import/no-default-export -- vitest loads reporters by their default export.
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env['ARGUNIX_TALLY'];
    if (path !== undefined) {
      writeFileSync(path, JSON.stringify(tallyOf(modules, unhandledErrors.length)));
    }
  }
}

function tallyOf(modules: readonly TestModule[], unhandled: number): TestTally {
  let passed = 0;
  let failed = unhandled;
  const skipped: { title: string; reason: string }[] = [];
  // With a title asked for, vitest calls every other test skipped; those are not part of this run.
  const asked = process.env['ARGUNIX_TEST_TITLE'];
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) {
      failed += suite.errors().length;
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') {
        passed += 1;
      } else if (result.state === 'skipped' && !isInFailedSuite(test)) {
        if (asked === undefined || titleOf(test).includes(asked)) {
          skipped.push({ title: titleOf(test), reason: result.note ?? NO_REASON });
        }
      } else {
        failed += 1;
      }
    }
  }
  return { passed, failed, skipped };
}

function isInFailedSuite(test: TestCase): boolean {
  let place: TestSuite | TestModule = test.parent;
  while (place.type === 'suite') {
    if (place.errors().length > 0) {
      return true;
    }
    place = place.parent;
  }
  return place.errors().length > 0;
}

/** As vitest matches titles: the names from the outermost suite in, with spaces. */
function titleOf(test: TestCase): string {
  return test.fullName.replaceAll(' > ', ' ');
}
