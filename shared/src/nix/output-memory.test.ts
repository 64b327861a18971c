import { expect, test } from 'vitest';
import { startProcess } from '../kit/run-process.ts';
import { until } from '../kit/testing/until.ts';
import { watchOutputMemory } from './output-memory.ts';

const MIB = 1024 ** 2;
/** Holds 150 MiB, says so, and as much again for each line it is told. */
const GROWS = `
  const held = [Buffer.alloc(150 * 1024 ** 2, 1)];
  console.log('ready');
  process.stdin.on('data', () => { held.push(Buffer.alloc(150 * 1024 ** 2, 1)); console.log('grown'); });
`;

test('what a process held before a build began does not count, what it grows by then does, once', async () => {
  const running = startProcess({
    command: process.execPath,
    args: ['-e', GROWS],
    env: {},
    deadlineMs: 30_000,
    graceMs: 100,
  });
  let said = '';
  running.stdout.on('data', (text: Buffer) => {
    said += text.toString();
  });
  let excesses = 0;
  const watch = watchOutputMemory(running, () => (excesses += 1), 100 * MIB);
  try {
    await until(() => said.includes('ready'));
    watch.begin();
    expect(excesses).toBe(0);

    running.stdin.write('more\n');
    await until(() => excesses > 0);

    running.stdin.write('more\n');
    await until(() => said.split('grown').length === 3);
    watch.begin();
    expect(excesses).toBe(1);
  } finally {
    watch.end();
    running.stop();
    await running.ended;
  }
});
