/** What the coordinator calls this builder, kept so that a start without the invitation is the same builder. */
import { readFile } from 'node:fs/promises';
import { BuilderName } from '@argunix/shared/protocol/builder-name';
import { z } from 'zod';
import { writeAtomically } from './write-atomically.ts';

const Kept = z.object({
  name: BuilderName,
  /** The name in the invitation at that time: another one means that it was invited anew. */
  invited_as: BuilderName.nullable(),
});

export interface KnownName {
  /** Undefined for a builder that was never welcome, and for one whose invitation is another than then. */
  read(invitedAs: string | null): Promise<string | undefined>;
  keep(name: string, invitedAs: string | null): Promise<void>;
}

export function createKnownName(path: string): KnownName {
  let kept: z.output<typeof Kept> | undefined;
  return {
    async read(invitedAs) {
      try {
        kept = Kept.parse(JSON.parse(await readFile(path, 'utf8')));
      } catch {
        // Not there, or spoiled: the name is found as it was the first time.
        return undefined;
      }
      return invitedAs === null || invitedAs === kept.invited_as ? kept.name : undefined;
    },
    async keep(name, invitedAs) {
      const now = { name, invited_as: invitedAs ?? kept?.invited_as ?? null };
      if (now.name !== kept?.name || now.invited_as !== kept.invited_as) {
        await writeAtomically(path, `${JSON.stringify(now)}\n`, { isDurable: true });
        kept = now;
      }
    },
  };
}
