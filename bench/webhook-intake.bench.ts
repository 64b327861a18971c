import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EvaluationView } from '@argunix/shared/control-api/views';
import { NO_SHA } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import { toSha } from '../coordinator/test/forges/contract/sample.ts';
import { until } from '../coordinator/test/until.ts';
import { get } from '../e2e/harness/control-socket.ts';
import { flakeOf } from '../e2e/harness/flake-text.ts';
import { type ForgeScene, SLUG, startForgeScene } from '../e2e/harness/forges/forge-scene.ts';
import { gitHubByToken } from '../e2e/harness/forges/github-in-test.ts';
import { builtProgram } from './built.ts';
import { type Bench, toFigure } from './figure.ts';
import type { SendOrder } from './webhook-intake-sender.ts';

const Sent = z.object({
  seconds: z.number(),
  answers: z.record(z.string(), z.number()),
  latenciesMs: z.array(z.number()),
});
type Sent = z.infer<typeof Sent>;

const RUNS = 5;
const AS_FAST = 20_000;
const CONNECTIONS = 64;
const PER_SECOND = 1_000;
const PACED = 10_000;
const UNTIMED = 2_000;
const COMMITS = 10;

export const bench: Bench = {
  about: `${AS_FAST} signed deliveries of GitHub's size (8 kB) over ${CONNECTIONS} connections as fast as they are stored, next to a bare server of Node that judges and parses them and stores nothing; then ${PER_SECOND} a second, at first of what is not watched, and then of ${COMMITS} commits told many times, while these are built; the sender is a process of its own on the same host`,
  async *run() {
    const dir = await mkdtemp(join(tmpdir(), 'argunix-bench-'));
    const scene = await startForgeScene({
      dir,
      forge: await gitHubByToken(),
      program: builtProgram('coordinator'),
      repos: { watched_branches: ['told/*'] },
    });
    try {
      await until('the hook is there', () => scene.hook() !== undefined, 60_000);
      // What is not watched is stored, told apart and kept like everything else, and nothing is built of it.
      const rates: number[] = [];
      const bareRates: number[] = [];
      for (let run = -1; run < RUNS; run += 1) {
        const bodies = unwatched(scene, AS_FAST, run);
        const rate = rateOf(await sendTo(hookOf(scene), { bodies, perSecond: null, untimed: 0 }), AS_FAST);
        const bareRate = await rateOfBare(bodies);
        if (run >= 0) {
          rates.push(rate);
          bareRates.push(bareRate);
        }
      }
      yield toFigure({ name: 'webhook-intake.rate', unit: '/s', samples: rates, atLeast: 5_000 });
      yield toFigure({ name: 'webhook-intake.rate-of-bare-node', unit: '/s', samples: bareRates });
      const shas = await commits(scene);
      const told = Array.from({ length: PACED }, (_, at) =>
        pushOf(scene, shas[at % COMMITS] ?? '', branchOf(at % COMMITS)),
      );
      const bodies = [...unwatched(scene, UNTIMED, RUNS), ...told];
      const sent = await sendTo(hookOf(scene), { bodies, perSecond: PER_SECOND, untimed: UNTIMED });
      expectTaken(sent, bodies.length);
      yield toFigure({
        name: 'webhook-intake.p99-while-building',
        unit: 'ms',
        samples: sent.latenciesMs,
        statistic: 'p99',
        atMost: 50,
      });
      const evaluations = await evaluated(dir, shas);
      yield toFigure({
        name: 'webhook-intake.evaluations-of-a-commit',
        unit: '',
        samples: shas.map((sha) => evaluations.filter((one) => one.sha === sha).length),
        statistic: 'max',
        atMost: 1,
      });
    } finally {
      await scene.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
};

type Receiver = Pick<SendOrder, 'port' | 'path' | 'secret'>;

function hookOf(scene: ForgeScene): Receiver {
  const { url, secret } = scene.hook() ?? { url: '', secret: '' };
  return { port: Number(new URL(scene.coordinator().url).port), path: new URL(url).pathname, secret };
}

async function rateOfBare(bodies: readonly string[]): Promise<number> {
  const secret = 'of nobody';
  const server = fork(join(import.meta.dirname, 'webhook-intake-bare.ts'), [secret]);
  const [port] = z.tuple([z.number(), z.unknown()]).parse(await messageOf(server));
  const sent = await sendTo({ port, path: '/', secret }, { bodies, perSecond: null, untimed: 0 });
  server.disconnect();
  return rateOf(sent, bodies.length);
}

async function sendTo(
  receiver: Receiver,
  what: Pick<SendOrder, 'bodies' | 'perSecond' | 'untimed'>,
): Promise<Sent> {
  const sender = fork(join(import.meta.dirname, 'webhook-intake-sender.ts'), {
    serialization: 'advanced',
    execArgv: ['--expose-gc'],
  });
  sender.send({ ...receiver, ...what, connections: CONNECTIONS } satisfies SendOrder);
  const answer = await messageOf(sender);
  sender.disconnect();
  return z.tuple([Sent, z.unknown()]).parse(answer)[0];
}

/** Its first; one that ends before it said anything is not waited for. */
async function messageOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('a process of the bench ended before its time');
  });
  return await Promise.race([once(child, 'message'), ended]);
}

function rateOf(sent: Sent, count: number): number {
  expectTaken(sent, count);
  return count / sent.seconds;
}

function expectTaken(sent: Sent, count: number): void {
  if (sent.answers['202'] !== count) {
    throw new Error(`expected ${count} deliveries to be taken, got ${JSON.stringify(sent.answers)}`);
  }
}

function unwatched(scene: ForgeScene, count: number, run: number): readonly string[] {
  return Array.from({ length: count }, (_, at) =>
    pushOf(
      scene,
      (run * count + at + count * 2).toString(16).padStart(40, 'a'),
      `refs/heads/topic-${run}-${at}`,
    ),
  );
}

function pushOf(scene: ForgeScene, sha: string, ref: string): string {
  const told = scene.forge.push({ slug: SLUG, ref, before: NO_SHA, after: toSha(sha), by: 'somebody' });
  return JSON.stringify(told.payload);
}

function branchOf(at: number): string {
  return `refs/heads/told/${at}`;
}

/** Each the head of a branch of its own, with builds of some seconds. */
async function commits(scene: ForgeScene): Promise<readonly string[]> {
  const shas: string[] = [];
  for (let at = 0; at < COMMITS; at += 1) {
    const body = Array.from(
      { length: 4 },
      (_, job) => `j${job} = build "j${job}" "exec 3<> <(:); read -t 2 -u 3; echo > $out";`,
    );
    const sha = await scene.repository.commit({ 'flake.nix': flakeOf(body.join(' ')) });
    await scene.repository.git('update-ref', branchOf(at), sha);
    shas.push(sha);
  }
  return shas;
}

async function evaluated(dir: string, shas: readonly string[]): Promise<readonly EvaluationView[]> {
  let all: readonly EvaluationView[] = [];
  await until(
    'each commit has an evaluation, and nothing stands in the inbox',
    async () => {
      const found = await get(join(dir, 'state/control/argunix.sock'), '/api/v1/evals?limit=200');
      all = z.array(EvaluationView).parse(found);
      return shas.every((sha) => all.some((one) => one.sha === sha));
    },
    120_000,
    200,
  );
  return all;
}
