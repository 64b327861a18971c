import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { descendantsOf, familyOf } from './descendants.ts';
import { until } from './testing/until.ts';

test('a family is everybody who was started by it, and agrees with what a look at all processes finds', async () => {
  // The middle one waits for the last, in a session of its own.
  const child = spawn('sh', ['-c', 'setsid sh -c "sleep 100; true" & wait; true'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  try {
    await until(() => familyOf(pid).length === 3);

    expect(familyOf(pid)[0]).toBe(pid);
    expect(familyOf(pid).slice(1).toSorted()).toEqual(
      descendantsOf([pid])
        .map((record) => record.pid)
        .toSorted(),
    );
    expect(familyOf(process.pid)).toContain(pid);
  } finally {
    for (const one of familyOf(pid).toReversed()) {
      process.kill(one, 'SIGKILL');
    }
  }
});

test('of one that is gone nobody else is family', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));

  expect(familyOf(child.pid ?? 0)).toEqual([child.pid]);
});
