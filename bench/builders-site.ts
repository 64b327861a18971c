/** A coordinator from the build that builds nothing itself, for benches of those who dial in. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuilderView } from '@argunix/shared/control-api/builder-views';
import { z } from 'zod';
import { type AgentOptions, type RunningAgent, startAgent } from '../e2e/harness/agent.ts';
import { type Site, startSite } from '../e2e/harness/site.ts';
import { builtProgram } from './built.ts';

export const TOKEN = 'the token of a bench';

export interface BuildersSite {
  readonly site: Site;
  readonly port: number;
  enlist(name: string, given?: Partial<AgentOptions>): RunningAgent;
  builder(name: string): Promise<BuilderView | undefined>;
  until(isSo: () => Promise<boolean>, withinMs: number): Promise<void>;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 100;

export async function openBuildersSite(
  options: {
    readonly heartbeatSeconds?: number;
    readonly nixConfig?: string;
    readonly schedule?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<BuildersSite> {
  const dir = await mkdtemp(join(tmpdir(), 'argunix-bench-'));
  const tokenPath = join(dir, 'token');
  await writeFile(tokenPath, TOKEN, { mode: 0o600 });
  const site = await startSite({
    dir,
    program: builtProgram('coordinator'),
    ...(options.nixConfig === undefined ? {} : { nixConfig: options.nixConfig }),
    configuration: {
      local_builds: false,
      schedule: options.schedule ?? {},
      builder_enrollment: {
        listen: '0.0.0.0:0',
        token_path: tokenPath,
        heartbeat_seconds: options.heartbeatSeconds ?? 5,
      },
    },
    repositories: { app: {} },
  });
  const agents: RunningAgent[] = [];
  const port = Number(
    /"address":"[^"]*:(\d+)","msg":"builders may dial in"/.exec(site.coordinator().log())?.[1],
  );
  async function until(isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(await isSo())) {
      if (performance.now() > deadline) {
        throw new Error(`waited in vain\n${site.coordinator().log().slice(-4_000)}`);
      }
      await sleep(LOOK_EVERY_MS);
    }
  }
  return {
    site,
    port,
    until,
    enlist: (name, given) => {
      const agent = startAgent({ dir, name, port, tokenPath, ...given });
      agents.push(agent);
      return agent;
    },
    builder: async (name) => {
      const all = await site.coordinator().get('/api/v1/builders', z.array(BuilderView));
      return all.find((one) => one.name === name);
    },
    close: async () => {
      await Promise.all(agents.map((agent) => agent.remove()));
      await site.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
