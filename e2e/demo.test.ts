/** `./demo` as a newcomer runs it, in a state directory with a space in its name. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvaluationView } from '@argunix/shared/control-api/views';
import { until } from '@argunix/shared/kit/testing/until';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hostSystem } from '../scripts/demo/demo-configuration.ts';
import { parseExpectations } from '../scripts/demo/expectations.ts';

const ROOT = join(import.meta.dirname, '..');
const DEMO_MS = 120_000;

let directory: string;
let state: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'argunix demo '));
  state = join(directory, 'state');
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Demo {
  out(): string;
  err(): string;
  stop(signal: NodeJS.Signals): void;
  readonly ended: Promise<number | null>;
}

function demo(...args: readonly string[]): Demo {
  const { NIX_CONFIG: _nixConfig, ...env } = process.env;
  const child = spawn(join(ROOT, 'demo'), ['--state', state, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, NODE_OPTIONS: '' },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return {
    out: () => out,
    err: () => err,
    stop: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once('close', resolve)),
  };
}

async function evaluationOf(...args: readonly string[]): Promise<EvaluationView> {
  const run = demo('--once', '--json', ...args);
  expect([await run.ended, run.err()]).toEqual([0, expect.any(String)]);
  return EvaluationView.parse(JSON.parse(run.out()));
}

test(
  '--once --json is one evaluation that ended as the sample expects, and the next run is another one',
  async () => {
    const expected = parseExpectations(
      await readFile(join(ROOT, 'scripts/demo/sample/expected.json'), 'utf8'),
      hostSystem(),
    );

    const first = await evaluationOf();
    const second = await evaluationOf();

    expect(first).toMatchObject({ id: 1, status: 'done', outcome: 'failure' });
    expect(second).toMatchObject({ id: 2, status: 'done', outcome: 'failure' });
    expect(second.sha).not.toBe(first.sha);
    for (const { jobs = [] } of [first, second]) {
      // What does not depend on the commit may be there from an earlier run.
      const ends = jobs.map(({ attr, status }) => [attr, status === 'cached' ? 'success' : status] as const);
      expect(new Map(ends)).toEqual(expected);
    }
  },
  DEMO_MS,
);

test(
  'a flake that was evaluated before is evaluated again, and the demo says so',
  async () => {
    const flake = join(directory, 'flake');
    await mkdir(flake);
    await writeFile(join(flake, 'flake.nix'), '{ outputs = _: { }; }');
    await evaluationOf('--flake', flake);

    const again = demo('--once', '--flake', flake);

    expect(await again.ended).toBe(0);
    expect(again.out()).toContain('That was evaluated before, as 1; it is evaluated again as 2.\n');
    expect(again.out()).toContain('\nEvaluation 2: success\n');
  },
  DEMO_MS,
);

test(
  'it serves until it is interrupted, and no second one may use its directory or its port',
  async () => {
    const first = demo();
    await until(() => first.out().includes('Serving until Ctrl-C.'), DEMO_MS);
    const port = /The coordinator is at http:\/\/127\.0\.0\.1:(\d+)\n/.exec(first.out())?.[1] ?? '';

    const second = demo('--once');
    expect(await second.ended).toBe(1);
    expect(second.err()).toContain(`another demo runs in ${state}`);
    const third = demo('--once', '--port', port, '--state', join(directory, 'other'));
    expect(await third.ended).toBe(1);
    expect(third.err()).toContain(`--port: ${port} is in use`);

    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    first.stop('SIGINT');
    expect(await first.ended).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow('fetch failed');
  },
  DEMO_MS,
);
