/** Serves the pages over made-up data, with a log that goes on, to be looked at: `node --conditions=source scripts/preview-pages.ts [PORT]`. */

import { busyBuilders } from '../coordinator/test/fakes/busy-builders.ts';
import { busyHouse } from '../coordinator/test/fakes/busy-house.ts';
import { createFakeBuilders } from '../coordinator/test/fakes/fake-builders.ts';
import { createFakeDirectory, createFakeQueue } from '../coordinator/test/fakes/fake-queue.ts';
import { startHttpServer } from '../coordinator/test/fakes/http-server.ts';
import { createFakeJobLogs, numberLines } from '../coordinator/test/fakes/job-logs.ts';
import { createLiveStreams } from '../coordinator/test/fakes/live-log-routes.ts';
import { createFakeViews } from '../coordinator/test/fakes/views.ts';

const house = busyHouse(Date.now());
const streams = createLiveStreams();
const server = await startHttpServer({
  views: createFakeViews(house.rows),
  rows: house.rows,
  queue: createFakeQueue(house.queue),
  builders: createFakeBuilders(busyBuilders(Date.now())),
  directory: createFakeDirectory(house.rows, house.leases),
  warnings: () => ['The state directory has 1.2 GB left; logs and mirrors are kept for 90 days.'],
  logs: createFakeJobLogs(house.logs, new Set([house.liveJobId]), house.leaseLogs),
  plugins: [streams.plugin],
  listen: { host: '127.0.0.1', port: Number(process.argv[2] ?? '8090') },
  now: () => Date.now(),
});
process.stdout.write(`listening on ${await server.listen()}\n`);

const log = house.logs.get(house.liveJobId) ?? [];
setInterval(() => {
  const number = log.length;
  const lines = numberLines([`[${number}/9999] building object src/part-${number}.o`], {
    number,
    derivation: 'The-integration-test',
    phase: 'buildPhase',
  });
  log.push(...lines);
  streams.tellLog(house.liveJobId, 'lines', { lines });
}, 400);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close().then(() => process.exit(0)));
}
