import { randomUUID } from 'node:crypto';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAndPush, createBare, createWorkTree, quoted } from './git.ts';
import type { SourceRepository } from './source-repository.ts';

/** The sample as it is shipped, every time: whatever was tried with it, the demo shows the same. */
export async function createSampleRepository(
  sampleDirectory: string,
  stateDirectory: string,
  signal: AbortSignal,
): Promise<SourceRepository> {
  const work = join(stateDirectory, 'sample');
  const bare = await createBare(join(stateDirectory, 'sample.git'), signal);
  await createWorkTree(work, signal);
  return {
    url: bare,
    note: undefined,
    howToPush: [
      `cd ${quoted(work)}`,
      "sed -i 's/recieve/receive/' letter.txt",
      "git commit -am 'letter: spell receive right' && git push",
    ],
    async push(pushSignal) {
      cpSync(sampleDirectory, work, { recursive: true });
      // Something new every time, so that there is something to build.
      writeFileSync(join(work, 'stamp'), `${randomUUID()}\n`);
      return await commitAndPush(work, bare, 'letter: write to a newcomer', pushSignal);
    },
  };
}
