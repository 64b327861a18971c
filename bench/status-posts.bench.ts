import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_SHA, type Sha } from '@argunix/shared/domain/sha';
import { toSha } from '../coordinator/test/forges/contract/sample.ts';
import { until } from '../coordinator/test/until.ts';
import { flakeOf } from '../e2e/harness/flake-text.ts';
import { type ForgeScene, SLUG, startForgeScene } from '../e2e/harness/forges/forge-scene.ts';
import { gitHubByToken, gitHubHeaders } from '../e2e/harness/forges/github-in-test.ts';
import { builtProgram } from './built.ts';
import { type Bench, toFigure } from './figure.ts';

const RUNS = 3;
const JOBS = 10_000;
// What is built takes no time here: the jobs are what counts.
const DERIVATIONS = 200;
const EVALUATION = 'argunix: evaluation';

export const bench: Bench = {
  about: `one evaluation of ${JOBS} jobs over ${DERIVATIONS} derivations, told to a GitHub that counts requests, with GitHub's pace`,
  async *run() {
    const requests: number[] = [];
    const lateMs: number[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const told = await tellOne();
      requests.push(told.requests);
      lateMs.push(told.lateMs);
    }
    yield toFigure({
      name: 'status-posts.requests',
      unit: '',
      samples: requests,
      statistic: 'max',
      atMost: 60,
    });
    yield toFigure({
      name: 'status-posts.final-state-after-last-job',
      unit: 's',
      samples: lateMs.map((ms) => ms / 1000),
      statistic: 'max',
      atMost: 5,
    });
  },
};

async function tellOne(): Promise<{ readonly requests: number; readonly lateMs: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'argunix-bench-'));
  const scene = await startForgeScene({
    dir,
    forge: await gitHubByToken(),
    program: builtProgram('coordinator'),
  });
  try {
    await until('the hook is there', () => scene.hook() !== undefined, 60_000);
    const sha = toSha(await scene.repository.commit({ 'flake.nix': flakeOf(manyJobs()) }));
    const asked = scene.forge.standIn.server.requests.length;
    const push = { slug: SLUG, ref: 'refs/heads/main', before: NO_SHA, after: sha, by: 'somebody' };
    await scene.tell(scene.forge.push(push), gitHubHeaders);
    let shownAt = 0;
    await until(
      'the verdict is shown',
      () => {
        shownAt = Date.now();
        return scene.checks(sha)[EVALUATION]?.state === 'success';
      },
      900_000,
      20,
    );
    return {
      requests: scene.forge.standIn.server.requests.length - asked,
      lateMs: shownAt - (await endOf(scene, sha)),
    };
  } finally {
    await scene.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function endOf(scene: ForgeScene, sha: Sha): Promise<number> {
  const [evaluation] = await scene.evaluations(sha);
  return Date.parse(evaluation?.finished_at ?? '');
}

function manyJobs(): string {
  const built = Array.from({ length: DERIVATIONS }, (_, at) => `(build "d${at}" "echo ${at} > $out")`);
  return `} // (let built = [ ${built.join(' ')} ]; in builtins.listToAttrs (builtins.genList (n: {
    name = "job-\${toString n}"; value = builtins.elemAt built (n - n / ${DERIVATIONS} * ${DERIVATIONS});
  }) ${JOBS})) // {`;
}
