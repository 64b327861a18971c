/** The thread behind root-files.ts. */
import { linkSync, unlinkSync, writeFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '../../kit/app-error.ts';
import { hasCode } from './file-trouble.ts';
import type { FromRootFiles, ToRootFiles } from './root-files.ts';

const port = parentPort;
if (port === null) {
  throw new Error('root-files-thread runs only as a thread');
}

port.on('message', ({ id, make, remove }: ToRootFiles) => {
  let trouble: string | null = null;
  const attempt = (harmless: string, change: () => void): void => {
    try {
      change();
    } catch (error) {
      if (!hasCode(error, harmless)) {
        trouble ??= messageOf(error);
      }
    }
  };
  const [first, ...others] = make;
  if (first !== undefined) {
    attempt('EEXIST', () => writeFileSync(first, '', { flag: 'wx', mode: 0o400 }));
    for (const path of others) {
      attempt('EEXIST', () => addName(first, path));
    }
  }
  for (const path of remove) {
    attempt('ENOENT', () => unlinkSync(path));
  }
  port.postMessage({ id, trouble } satisfies FromRootFiles);
});

/** A file of its own where the first has as many names as it may have, or the file system knows but one. */
function addName(first: string, path: string): void {
  try {
    linkSync(first, path);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      throw error;
    }
    writeFileSync(path, '', { flag: 'wx', mode: 0o400 });
  }
}
