import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of that name on a search path, as a shell would find it. */
export function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .filter((dir) => dir.startsWith('/'))
    .map((dir) => join(dir, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: the next directory may have it.
    return false;
  }
}
