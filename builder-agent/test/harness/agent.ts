/** An agent in this process, with waits that a test can sit through, and what it logs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from '@argunix/shared/kit/logger';
import type { RealNix } from '@argunix/shared/nix/testing/real-nix';
import { type Agent, startAgent } from '../../src/compose/agent.ts';
import { type AgentTimings, TIMINGS } from '../../src/compose/timings.ts';
import { parseSettings } from '../../src/config/settings.ts';

export const QUICK: AgentTimings = {
  ...TIMINGS,
  connectMs: 2_000,
  handshakeMs: 5_000,
  welcomeMs: 5_000,
  ackMs: 20,
  reconnect: { firstMs: 20, mostMs: 200 },
  bulkIdleMs: 200,
  statsMs: 50,
  rereadMs: 60_000,
  graceMs: 1_000,
  farewellMs: 2_000,
};

export interface LogEntry {
  readonly level: keyof Logger;
  readonly details: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface TestAgent extends Agent {
  readonly log: readonly LogEntry[];
  logged(text: string): boolean;
}

export interface TestAgentOptions {
  readonly nix: RealNix;
  readonly port: number;
  readonly stateDir: string;
  readonly options?: Readonly<Record<string, string | boolean>>;
  readonly timings?: Partial<AgentTimings>;
}

export const DEFAULTS = { name: 'tester', minFreeDisk: '0', stopWithin: '5', logLevel: 'debug' };

export async function startTestAgent({
  nix,
  port,
  stateDir,
  options,
  timings,
}: TestAgentOptions): Promise<TestAgent> {
  const log: LogEntry[] = [];
  const say =
    (level: keyof Logger) =>
    (details: object, text: string): void =>
      void log.push({ level, details: { ...details }, text });
  const agent = await startAgent({
    settings: parseSettings({
      ...DEFAULTS,
      argunixHost: '127.0.0.1',
      argunixPort: String(port),
      stateDir,
      ...options,
    }),
    timings: { ...QUICK, ...timings },
    env: nix.env,
    log: { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') },
  });
  return { ...agent, log, logged: (text) => log.some((entry) => entry.text.includes(text)) };
}

export interface Place {
  readonly dir: string;
  readonly stateDir: string;
  /** Writes a token there and tells its path. */
  token(text: string): Promise<string>;
  remove(): Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'builder-agent-'));
  return {
    dir,
    stateDir: join(dir, 'state'),
    async token(text) {
      const path = join(dir, 'token');
      await writeFile(path, `${text}\n`, { mode: 0o600 });
      return path;
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
