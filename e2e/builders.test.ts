/**
 * One coordinator that builds nothing itself, and real agents on hosts of their own: another store, another address, a
 * road that is cut, goes dead, or is slow. Every wait is a twentieth of what it is in use.
 */
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuilderView } from '@argunix/shared/control-api/views';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { until } from '../coordinator/test/until.ts';
import { type AgentOptions, type RunningAgent, startAgent } from './harness/agent.ts';
import { SANDBOXED } from './harness/coordinator.ts';
import { flakeOf, NAP } from './harness/flake-text.ts';
import { mayMakeHosts } from './harness/network.ts';
import { openRoad, type Road } from './harness/proxy.ts';
import { type Site, startSite } from './harness/site.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const TOKEN = 'a token of the builders test';
const WAIT_MS = 60_000;
// Five seconds by twenty.
const HEARTBEAT_S = 0.25;

let dir: string;
let site: Site;
const agents = new Set<RunningAgent>();
const roads = new Set<Road>();

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'argunix-builders-'));
  await writeFile(join(dir, 'token'), TOKEN, { mode: 0o600 });
  await chmod(join(dir, 'token'), 0o600);
  site = await startSite({
    dir,
    configuration: {
      local_builds: false,
      schedule: { builder_wait_seconds: 10, infrastructure_retry_seconds: 0.2 },
      builder_enrollment: {
        listen: '0.0.0.0:0',
        token_path: join(dir, 'token'),
        heartbeat_seconds: HEARTBEAT_S,
      },
    },
    nixConfig: `${SANDBOXED}system-features = big-parallel benchmark kvm\n`,
    repositories: { app: {} },
  });
});
afterEach(async () => {
  await Promise.all([...agents].map((agent) => agent.remove()));
  agents.clear();
  for (const road of roads) {
    road.close();
  }
  roads.clear();
});
afterAll(async () => {
  await site.stop();
  await rm(dir, { recursive: true, force: true });
});

function port(): number {
  const said = [
    ...site
      .coordinator()
      .log()
      .matchAll(/"address":"[^"]*:(\d+)","msg":"builders may dial in"/g),
  ];
  return Number(said.at(-1)?.[1]);
}
function enlist(name: string, given: Partial<AgentOptions> = {}): RunningAgent {
  const agent = startAgent({ dir, name, port: port(), tokenPath: join(dir, 'token'), ...given });
  agents.add(agent);
  return agent;
}
async function builder(name: string): Promise<BuilderView | undefined> {
  const all = await site.coordinator().get('/api/v1/builders', z.array(BuilderView));
  return all.find((one) => one.name === name);
}
async function untilReady(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    await until(`${name} is ready`, async () => (await builder(name))?.state === 'ready', WAIT_MS, 50);
  }
}
function leases(): readonly {
  readonly drv_path: string;
  readonly builder: string;
  readonly ending: string;
}[] {
  const database = new Database(join(dir, 'state/argunix.sqlite'), { readonly: true });
  try {
    return database.prepare('select drv_path, builder, state, ending from leases order by id').all() as never;
  } finally {
    database.close();
  }
}

describe.skipIf(!mayMakeHosts())('agents on hosts of their own', () => {
  test('what is built there is here, with its log, and what failed says why', async () => {
    enlist('one');
    await untilReady('one');
    const evaluation = await site.push('app', {
      'flake.nix': flakeOf(
        `base = build "base" "echo base > $out";
         app = buildWith { base = ${`buildWith { } "base" "echo base > $out"`}; } "app" "echo using $base; read x < $base; echo $base > $out";
         bad = build "bad" "echo to be bad; exit 3";`,
      ),
    });
    const jobs = await site.jobs(evaluation.id);

    expect(Object.values(jobs).map(({ name, status, builder: by }) => [name, status, by])).toEqual([
      ['app', 'success', 'one'],
      ['bad', 'failure', 'one'],
      ['base', 'success', 'one'],
    ]);
    expect(jobs['packages.x86_64-linux.app']?.bytes.pulled).toBeGreaterThan(0);
    expect(await site.logText(jobs['packages.x86_64-linux.bad']?.id ?? 0)).toContain('to be bad');
  });
});
