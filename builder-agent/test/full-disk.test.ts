import { mkdir } from 'node:fs/promises';
import { outputOf } from '@argunix/shared/kit/run-process';
import { installedNixes, instantiate } from '@argunix/shared/nix/testing/real-nix';
import { expect, test } from 'vitest';
import { build } from './harness/leases.ts';
import { setScene } from './harness/scene.ts';

const [nix] = installedNixes();
if (nix === undefined) {
  throw new Error('no Nix');
}
const scene = setScene(nix);

// A file system of two megabytes takes a mount, and that takes root.
test.skipIf(process.getuid?.() !== 0)(
  'a log that the disk has no room for ends its build as a fault of the host',
  async () => {
    const { standIn, place } = scene();
    await mkdir(place.stateDir);
    await run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', place.stateDir);
    scene().cleanUp(() => run('umount', '-l', place.stateDir));
    await scene().joined();
    const { loud } = await instantiate(
      nix,
      `loud = build "loud" "while :; do echo a line that is written again and again; done" {};`,
    );

    standIn.say(build({ 1: loud }));

    const { ending } = await standIn.message('ended');
    expect(ending).toMatchObject({ kind: 'infrastructure' });
    expect(JSON.stringify(ending)).toMatch(/could not be kept on the builder: ENOSPC/);
  },
);

async function run(command: string, ...args: readonly string[]): Promise<void> {
  await outputOf({ command, args, env: { PATH: process.env['PATH'] }, deadlineMs: 10_000 });
}
