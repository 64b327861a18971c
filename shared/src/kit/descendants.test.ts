import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { descendantsOf, familyOf, findDescendants, sendSignal } from './descendants.ts';
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
      // The parent of one that was killed may have ended by itself.
      sendSignal(one, 'SIGKILL');
    }
  }
});

test('who looks without haste finds the same, also one whose parent has ended, by its session', async () => {
  const child = spawn('sh', ['-c', 'sh -c "sleep 100 & true"; sleep 100; true'], {
    stdio: 'ignore',
    detached: true,
  });
  const pid = child.pid ?? 0;
  try {
    await until(() => descendantsOf([pid]).length === 2);

    const [found, together] = await Promise.all([findDescendants([pid]), findDescendants([pid])]);

    expect(found).toEqual(descendantsOf([pid]));
    expect(together).toEqual(found);
    expect(familyOf(pid)).toHaveLength(2);
  } finally {
    for (const one of [pid, ...descendantsOf([pid]).map((record) => record.pid)]) {
      // The parent of one that was killed may have ended by itself.
      sendSignal(one, 'SIGKILL');
    }
  }
});

test('of one that is gone nobody else is family', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));

  expect(familyOf(child.pid ?? 0)).toEqual([child.pid]);
});
