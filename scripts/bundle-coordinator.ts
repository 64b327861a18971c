/**
 * The coordinator as it is deployed: its sources and the packages they import, in a few files. Read one by one, the
 * 900 modules of `argunix serve` are more than half of its start (bench cold-start). What is imported when asked for
 * stays a file of its own, so a command loads only what it needs.
 */
import { readdir, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';

const SOURCES = join(import.meta.dirname, '../coordinator/src');
const SHARED = join(import.meta.dirname, '../shared/src');
// main.ts, and what is started as a thread or a process, by the name of its file.
const ENTRIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'main',
      'compose/gate',
      'compose/courier',
      'compose/reading-thread',
      'adapters/launcher/launcher-process',
      'adapters/sqlite/writer-thread',
      'adapters/nix-eval/confinement/store-front/thread',
    ].map((name) => [name, join(SOURCES, `${name}.ts`)]),
  ),
  'shared/nix/roots/root-files-thread': join(SHARED, 'nix/roots/root-files-thread.ts'),
};
const CHUNKS = 'chunks';
// Written by tsc, which does not write them again when they are gone.
const DECLARATIONS = 'types';

export async function bundleCoordinator(directory: string): Promise<void> {
  const bundle = await rolldown({
    input: { ...ENTRIES },
    platform: 'node',
    // The first looks for its compiled half beside itself; ssh2 tries for one, and does without.
    external: ['better-sqlite3', 'ssh2'],
    resolve: { conditionNames: ['source', 'import', 'node', 'default'] },
    plugins: [placesKept()],
    onLog: (_level, { message }) => {
      throw new Error(`expected a bundle without remarks, got ${message}`);
    },
  });
  await removeOldBuild(directory);
  await bundle.write({ dir: directory, format: 'esm', chunkFileNames: `${CHUNKS}/[name]-[hash].js` });
  await bundle.close();
}

/** A module that finds files by its own place still finds them when its code has moved to a chunk. */
function placesKept(): Plugin {
  const moved = new Set<string>();
  return {
    name: 'places-kept',
    transform(code, id) {
      const own = placeOf(id);
      // An entry is where it was.
      if (own === undefined || !code.includes('import.meta.url') || Object.values(ENTRIES).includes(id)) {
        return undefined;
      }
      moved.add(id);
      const place = `../${own.replace(/\.ts$/, '.js')}`;
      return code.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`);
    },
    generateBundle(_options, files) {
      for (const file of Object.values(files)) {
        const lost = file.type === 'chunk' && file.moduleIds.find((id) => moved.has(id));
        if (lost && dirname(file.fileName) !== CHUNKS) {
          throw new Error(
            `${lost}: expected it in ${CHUNKS}/, from where its place is reckoned, got ${file.fileName}`,
          );
        }
      }
    },
  };
}

/** Where a module of ours would be if it were a file of the build. */
function placeOf(id: string): string | undefined {
  if (id.startsWith(SHARED)) {
    return join('shared', relative(SHARED, id));
  }
  return id.startsWith(SOURCES) ? relative(SOURCES, id) : undefined;
}

async function removeOldBuild(directory: string): Promise<void> {
  const old = await readdir(directory).catch(() => []);
  for (const name of old.filter((one) => one !== DECLARATIONS)) {
    await rm(join(directory, name), { recursive: true });
  }
}
