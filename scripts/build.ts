/** `pnpm build`: `tsc -b` for all packages, and over it one bundle of the coordinator. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { bundleCoordinator } from './bundle-coordinator.ts';

const ROOT = join(import.meta.dirname, '..');

export async function build(): Promise<void> {
  const { status, stdout, stderr } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-b'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(`tsc -b failed\n${stdout}${stderr}`);
  }
  await bundleCoordinator(join(ROOT, 'coordinator/dist'));
}

if (import.meta.main) {
  await build();
}
