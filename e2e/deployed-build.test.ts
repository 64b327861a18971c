/** The coordinator as it is deployed: the bundle, its assets, its start script and the two packages that stay outside it. */
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bundleCoordinator } from '../scripts/bundle-coordinator.ts';
import { flakeOf } from './harness/flake-text.ts';
import { type Site, startSite } from './harness/site.ts';
import { tellWarningsOfFailed } from './harness/tell-warnings.ts';

vi.setConfig({ testTimeout: 120_000 });

const PACKAGE = join(import.meta.dirname, '../coordinator');

let dir: string;
let site: Site;
tellWarningsOfFailed(() => site.coordinator().log());
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-deployed-'));
  const deployed = join(dir, 'deployed');
  await mkdir(join(deployed, 'node_modules'), { recursive: true });
  for (const part of ['bin', 'assets', 'package.json']) {
    await cp(join(PACKAGE, part), join(deployed, part), { recursive: true });
  }
  for (const outside of ['better-sqlite3', 'ssh2']) {
    await symlink(
      await realpath(join(PACKAGE, 'node_modules', outside)),
      join(deployed, 'node_modules', outside),
    );
  }
  await bundleCoordinator(join(deployed, 'dist'));
  site = await startSite({
    dir,
    configuration: { builder_enrollment: { listen: '127.0.0.1:0' } },
    repositories: { sample: {} },
    program: { command: join(deployed, 'bin/argunix'), args: [] },
  });
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

test('without its sources it evaluates, builds and keeps the log', async () => {
  const evaluation = await site.push('sample', {
    'flake.nix': flakeOf('a = build "a" "echo hello; echo > $out";'),
  });

  expect(evaluation).toMatchObject({ status: 'done', outcome: 'success' });
  const [job] = Object.values(await site.jobs(evaluation.id));
  expect(await site.logText(job?.id ?? 0)).toContain('hello');
});

test('it lets builders dial in', () => {
  expect(site.coordinator().log()).toContain('builders may dial in');
});

test('its pages find their style', async () => {
  const { url } = site.coordinator();
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text();

  const style = /href="([^"]*\/style\.css)"/.exec(page)?.[1] ?? 'none';

  expect((await fetch(new URL(style, url))).status).toBe(200);
});
