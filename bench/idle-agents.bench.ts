import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBuildersSite, TOKEN } from './builders-site.ts';
import { type Bench, type Figure, toFigure } from './figure.ts';
import { memoryOf, partsOf, processorOf } from './host-processes.ts';

const AGENTS = 200;
const HEARTBEAT_S = 5;
const WATCH_MS = 30_000;

export const bench: Bench = {
  about: `${AGENTS} agents in one process enroll at once over SSH and then do nothing, with heartbeats of ${HEARTBEAT_S} s: until the last one is welcome; processor and memory of coordinator, gate and courier while they idle, against none`,
  async *run(): AsyncGenerator<Figure> {
    const storms: number[] = [];
    const shares: number[] = [];
    const more: number[] = [];
    const growths: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const one = await measure();
      storms.push(one.stormMs);
      shares.push(one.processorShare);
      more.push(one.processorShare - one.idleShare);
      growths.push(one.grownMb);
    }
    yield toFigure({ name: 'idle-agents.storm', unit: 'ms', samples: storms, atMost: 5_000 });
    yield toFigure({ name: 'idle-agents.processor', unit: '% of a core more', samples: more, atMost: 2 });
    yield toFigure({ name: 'idle-agents.processor-in-all', unit: '% of a core', samples: shares });
    yield toFigure({ name: 'idle-agents.memory', unit: 'MB more', samples: growths, atMost: 150 });
  },
};

async function measure(): Promise<{
  stormMs: number;
  processorShare: number;
  idleShare: number;
  grownMb: number;
}> {
  const house = await openBuildersSite({ heartbeatSeconds: HEARTBEAT_S });
  const pids = partsOf(house.site.coordinator().process.pid ?? 0);
  await sleep(3_000);
  const idleMb = memoryOf(pids);
  const idleFrom = processorOf(pids);
  await sleep(WATCH_MS);
  const idleShare = ((processorOf(pids) - idleFrom) * 100) / WATCH_MS;
  const crowd = spawn(
    process.execPath,
    [
      '--conditions=source',
      join(import.meta.dirname, 'idle-agents-crowd.ts'),
      `127.0.0.1:${house.port}`,
      TOKEN,
      String(AGENTS),
      String(HEARTBEAT_S * 1_000),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  try {
    const stormMs = await new Promise<number>((resolve, reject) => {
      crowd.stdout.on('data', (piece: Buffer) => resolve(Number(piece.toString('utf8'))));
      crowd.once('exit', () => reject(new Error('the crowd ended before it was in')));
    });
    await sleep(3_000);
    const from = processorOf(pids);
    await sleep(WATCH_MS);
    return {
      stormMs,
      idleShare,
      processorShare: ((processorOf(pids) - from) * 100) / WATCH_MS,
      grownMb: memoryOf(pids) - idleMb,
    };
  } finally {
    crowd.stdin.end();
    await house.close();
  }
}
