import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AT, newJob, openStores, queued } from '../coordinator/test/store-fixture.ts';
import { builtProgram } from './built.ts';
import { type Bench, type Figure, sample, toFigure } from './figure.ts';

const EVALUATIONS = 100;
const JOBS_EACH = 10_000;
// What a process still does after it listens is done by then.
const SETTLED_MS = 5_000;

export const bench: Bench = {
  about:
    'a start from the build on a database of 1,000,000 jobs in 100 ended evaluations, until it says that it listens',
  async *run(): AsyncGenerator<Figure> {
    const stores = await openStores();
    const dir = stores.stateDir;
    for (let number = 0; number < EVALUATIONS; number += 1) {
      const id = await queued(stores, (number % 10).toString());
      await stores.evaluations.begin(id, AT);
      const jobs = Array.from({ length: JOBS_EACH }, (_, index) =>
        newJob(`packages.x86_64-linux.p${index}`, 'cached'),
      );
      await stores.jobs.insert(id, jobs, AT);
      await stores.evaluations.startBuilding(id, AT);
      await stores.evaluations.finish(id, 'success', stores.evaluations.counts(id), AT);
    }
    await stores.database.close();
    const config = join(dir, 'argunix.yaml');
    await writeFile(
      config,
      `external_url: http://ci.test\nlisten: 127.0.0.1:0\nstate_dir: ${dir}\nforges: { here: { kind: git, repos: { demo/sample: { url: ${dir}, poll_seconds: 3600 } } } }\n`,
    );
    const memory: number[] = [];
    const starts = await sample(() => startOnce(config, memory));
    yield toFigure({ name: 'cold-start', unit: 'ms', samples: starts, atMost: 1_000 });
    yield toFigure({
      name: 'cold-start.idle-memory',
      unit: 'MB',
      samples: memory,
      statistic: 'max',
      atMost: 150,
    });
    await rm(dir, { recursive: true, force: true });
  },
};

async function startOnce(config: string, memory: number[]): Promise<number> {
  const { command, args } = builtProgram('coordinator');
  const startedAt = performance.now();
  const child = spawn(command, [...args, 'serve', '--config', config], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('listening on')) {
        resolve();
      }
    });
    void ended.then(() => reject(new Error('it ended before it listened')));
  });
  const elapsed = performance.now() - startedAt;
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  memory.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
  child.kill('SIGTERM');
  await ended;
  return elapsed;
}
