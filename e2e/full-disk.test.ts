/** The disk of the state directory runs full at work: nothing but lines of a log is lost, and it goes on when there is room. */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf } from '@argunix/shared/kit/run-process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { until } from '../coordinator/test/until.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { flakeOf, goodFlake, NAP } from './harness/flake-text.ts';
import { processesWith } from './harness/processes.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 180_000 });

const JOB = 'packages.x86_64-linux.it';
// Mounting is root's.
const isRoot = process.getuid?.() === 0;

let dir: string;
let state: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  if (!isRoot) {
    return;
  }
  dir = await mkdtemp(join(tmpdir(), 'argunix-full-'));
  state = join(dir, 'state');
  await mkdir(state);
  await mkdir(join(dir, 'gate'));
  await run('mount', '-t', 'tmpfs', '-o', 'size=48m', 'argunix-test', state);
  site = await startSite({
    dir,
    nixConfig: SANDBOXED.replace('bash-static', `bash-static /gate=${join(dir, 'gate')}`),
    configuration: { schedule: { infrastructure_retry_seconds: 0.2 } },
    repositories: { building: {}, pushed: {}, queued: {} },
  });
});
afterAll(async () => {
  if (isRoot) {
    await site.stop();
    await run('umount', state);
    await rm(dir, { recursive: true, force: true });
  }
});

async function run(command: string, ...args: readonly string[]): Promise<void> {
  await outputOf({ command, args, env: { PATH: process.env['PATH'] }, deadlineMs: 30_000 });
}

/** Takes every byte that is left. */
async function fill(): Promise<void> {
  const file = await open(join(state, 'filler'), 'a');
  try {
    for (let size = 1024 ** 2; size >= 1; ) {
      try {
        const { bytesWritten } = await file.write(Buffer.alloc(size, 1));
        size = bytesWritten < size ? Math.floor(size / 2) : size;
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) {
          throw error;
        }
        size = Math.floor(size / 2);
      }
    }
  } finally {
    await file.close();
  }
}

test.skipIf(!isRoot)(
  'a build that ends, a push and an evaluation while the disk is full are there when it is not',
  async () => {
    const word = randomUUID();
    const building = await site.repository('building').commit({
      'flake.nix': flakeOf(`it = build "it" ''
        : ${word}
        ${NAP}
        while ! test -e /gate/open; do echo at work; nap 0.2; done
        echo > $out'';`),
    });
    await site.poke('building');
    const find = (): ReturnType<Site['evaluation']> => site.evaluation('building', building);
    await site.jobWhen(find, JOB, ({ status }) => status === 'running');
    await until('it is at work', () => processesWith(word).length > 0);

    await fill();
    await writeFile(join(dir, 'gate/open'), '');
    const pushed = await site.repository('pushed').commit({ 'flake.nix': goodFlake() });
    await site.poke('pushed');
    const isTold = (what: string): Promise<void> =>
      until(
        `"${what}" meets the full disk`,
        () => site.coordinator().log().includes(`"what":"${what}"`),
        60_000,
        50,
      );
    await isTold('store the end of a build');
    await isTold('store what a look found');

    const { url } = site.coordinator();
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect((await fetch(`${url}/`, { headers: { accept: 'text/html' } })).status).toBe(200);
    expect((await find())?.status).toBe('building');

    await rm(join(state, 'filler'));

    expect(await site.ended('building', building)).toMatchObject({ status: 'done', outcome: 'success' });
    expect(await site.ended('pushed', pushed)).toMatchObject({ status: 'done', outcome: 'success' });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await site.push('building', { 'flake.nix': goodFlake() })).toMatchObject({ outcome: 'success' });
  },
);

test.skipIf(!isRoot)(
  'it can be stopped while the disk is full, and takes everything up when there is room',
  async () => {
    await rm(join(dir, 'gate/open'), { force: true });
    const word = randomUUID();
    const sha = await site.repository('queued').commit({
      'flake.nix': flakeOf(`it = build "it" ''
      : ${word}
      ${NAP}
      while ! test -e /gate/open; do nap 0.2; done
      echo > $out'';`),
    });
    await site.poke('queued');
    await until('it is at work', () => processesWith(word).length > 0, 30_000);
    await fill();

    expect(await site.coordinator().kill('SIGTERM')).toBe(0);
    expect(processesWith(word)).toEqual([]);

    await rm(join(state, 'filler'));
    await writeFile(join(dir, 'gate/open'), '');
    await site.restart();
    expect(await site.ended('queued', sha)).toMatchObject({ status: 'done', outcome: 'success' });
  },
);
