import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { until } from '../../../coordinator/test/until.ts';
import { type ForgeScene, startForgeScene } from './forge-scene.ts';
import type { ForgeInTest } from './live-forge.ts';

/** A scene anew for each test of a file, with its hook installed; what the forge's description does not allow fails the test. */
export function useForgeScene(
  forge: () => Promise<ForgeInTest>,
): () => { readonly dir: string; readonly scene: ForgeScene } {
  let current: { readonly dir: string; readonly scene: ForgeScene } | undefined;
  beforeEach(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'argunix-forge-'));
    const scene = await startForgeScene({ dir, forge: await forge() });
    current = { dir, scene };
    await until('the hook is there', () => scene.hook() !== undefined, 30_000);
  });
  afterEach(async () => {
    const violations = (await current?.scene.close()) ?? [];
    await rm(current?.dir ?? '', { recursive: true, force: true });
    current = undefined;
    expect(violations, 'every request is as the forge describes it').toEqual([]);
  });
  return () => {
    if (current === undefined) {
      throw new Error('there is a scene only while a test runs');
    }
    return current;
  };
}
