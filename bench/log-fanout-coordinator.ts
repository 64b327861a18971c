/** The coordinator's part of log-fanout: one log, its routes, and a builder that prints. Told what to do by messages. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLogger } from '@argunix/shared/kit/logger';
import { z } from 'zod';
import { createApp, DEFAULT_HTTP_LIMITS } from '../coordinator/src/adapters/http/app.ts';
import { logRoutes } from '../coordinator/src/adapters/http/log-routes.ts';
import { createFileLogStore } from '../coordinator/src/adapters/logs/file-log-store.ts';
import { toLease } from '../coordinator/src/adapters/logs/fixtures/lease.ts';

const Work = z.object({ lines: z.number(), linesPerSecond: z.number() });

const [dir = ''] = process.argv.slice(2);
const lease = toLease(1);
const logs = createFileLogStore({ dir, logger: silentLogger });
const log = logs.open(lease);
const app = createApp({
  logger: silentLogger,
  limits: DEFAULT_HTTP_LIMITS,
  trustedProxies: [],
  errorPage: ({ message }) => message,
});
await app.register(logRoutes, {
  logs,
  logger: silentLogger,
  findLog: () => ({ leaseId: lease, isLive: true, isReadable: () => true }),
  findLeaseLog: () => undefined,
  changesFor: () => ({
    key: 'strangers',
    changes: { tell: () => undefined, listen: () => () => undefined },
  }),
});
process.on('message', (message) => {
  if (message === 'stop') {
    process.exit();
  }
  const { lines, linesPerSecond } = Work.parse(message);
  print(lines, linesPerSecond);
});
process.on('disconnect', () => process.exit());
process.send?.({ port: Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port) });

const TICK_MS = 5;

/** As lines come out of a pipe: a few milliseconds' worth at a time, at a steady rate however late the timer is. */
function print(lines: number, linesPerSecond: number): void {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  const startedAt = performance.now();
  let peakBytes = 0;
  let printed = 0;
  const ticking = setInterval(() => {
    const due = Math.min(lines, Math.ceil(((performance.now() - startedAt) / 1000) * linesPerSecond));
    const batch = Array.from({ length: due - printed }, (_, at) => lineOf(printed + at));
    log.append(batch);
    printed = due;
    if (printed === lines) {
      clearInterval(ticking);
      void log.close();
    }
  }, TICK_MS);
  setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    process.send?.({
      peakBytes,
      delayMs: delay.percentile(99) / 1e6,
      worstDelayMs: delay.max / 1e6,
      cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
    });
  }, 100);
}

function lineOf(at: number): { derivation: string; phase: string; text: string } {
  const unit = `src/modules/part-${at % 997}/unit-${at}`;
  return {
    derivation: 'hello-2.12.1',
    phase: 'buildPhase',
    text: `[${at}/1000000] \u001b[32mcc\u001b[0m -O2 -Wall -Iinclude -c ${unit}.c -o build/${unit}.o`,
  };
}
