import { pino } from 'pino';
import { type Agent, startAgent } from '../compose/agent.ts';
import { TIMINGS } from '../compose/timings.ts';
import { parseSettings } from '../config/settings.ts';

const STOPPED = 0;
const REFUSED = 1;

/** The agent, until it is told to stop or refused for good. Returns the exit code. */
export async function join(options: unknown, timings = TIMINGS): Promise<number> {
  const settings = parseSettings(options);
  const log = pino({ level: settings.logLevel }, pino.destination({ fd: 2, sync: true }));
  let agent: Agent | undefined;
  let stops = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stops += 1;
      log.info({ signal, times: stops }, 'asked to stop');
      agent?.stop();
    });
  }
  process.on('SIGHUP', () => agent?.reread());
  agent = await startAgent({ settings, timings, env: process.env, log });
  for (let told = 0; told < stops; told += 1) {
    agent.stop();
  }
  return (await agent.ended) === null ? STOPPED : REFUSED;
}
