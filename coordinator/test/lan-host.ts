/** Another host, as far as anyone can tell: a network namespace with an address of its own that serves a directory. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { outputOf, startProcess } from '@argunix/shared/kit/run-process';

export interface LanHost {
  readonly url: string;
  /** Of this host, as seen from there and from confined networks. */
  readonly ourAddress: string;
  close(): Promise<void>;
}

/** Needs root. */
export async function startLanHost(dir: string): Promise<LanHost> {
  const number = randomInt(2 ** 16);
  const name = `argunix-lan-${number}`;
  const [ours, theirs] = [`ax${number}a`, `ax${number}b`];
  const subnet = `10.231.${randomInt(256)}`;
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
  async function ip(...args: readonly string[]): Promise<void> {
    await outputOf({ command: 'ip', args, env: { PATH: path }, deadlineMs: 10_000 });
  }

  await ip('netns', 'add', name);
  await ip('link', 'add', ours, 'type', 'veth', 'peer', 'name', theirs, 'netns', name);
  await ip('addr', 'add', `${subnet}.1/24`, 'dev', ours);
  await ip('link', 'set', ours, 'up');
  await ip('-n', name, 'addr', 'add', `${subnet}.2/24`, 'dev', theirs);
  await ip('-n', name, 'link', 'set', theirs, 'up');
  const server = startProcess({
    command: 'ip',
    args: [
      'netns',
      'exec',
      name,
      process.execPath,
      join(import.meta.dirname, './fixtures/serve-directory.mjs'),
      dir,
    ],
    env: { PATH: path },
    deadlineMs: 600_000,
    graceMs: 500,
    whenOrphaned: 'KILL',
  });
  await new Promise((resolve) => server.stdout.once('data', resolve));
  return {
    url: `http://${subnet}.2:8000`,
    ourAddress: `${subnet}.1`,
    async close() {
      server.stop();
      await server.ended;
      await ip('netns', 'del', name);
    },
  };
}
