/** A Nix store of its own, with a collector of its own: a test may throw away all that is in it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputOf } from '../../kit/run-process.ts';
import { nixEnvironment } from './real-nix.ts';

export interface PrivateStore {
  readonly dir: string;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Adds a file with this text and tells its store path. */
  add(name: string, text: string): Promise<string>;
  /** Removes what has no root. */
  collect(): Promise<void>;
  isValid(storePath: string): Promise<boolean>;
  remove(): Promise<void>;
}

export async function createPrivateStore(): Promise<PrivateStore> {
  const dir = await mkdtemp(join(tmpdir(), 'private-store-'));
  const env = {
    ...nixEnvironment(process.env['PATH'] ?? '', ''),
    NIX_REMOTE: `local?root=${dir}/root`,
  };
  const store = (...args: readonly string[]): Promise<string> =>
    outputOf({ command: 'nix-store', args, env, deadlineMs: 30_000 });
  return {
    dir,
    stateDir: join(dir, 'root/nix/var/nix'),
    env,
    async add(name, text) {
      const file = join(dir, name);
      await writeFile(file, text);
      return (await store('--add', file)).trim();
    },
    async collect() {
      await store('--gc');
    },
    isValid: (storePath) =>
      store('--check-validity', storePath).then(
        () => true,
        () => false,
      ),
    async remove() {
      await outputOf({ command: 'chmod', args: ['-R', 'u+w', dir], env, deadlineMs: 30_000 });
      await rm(dir, { recursive: true, force: true });
    },
  };
}
