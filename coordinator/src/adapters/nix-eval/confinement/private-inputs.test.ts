/**
 * Private inputs of a trusted revision are read from mirrors that were fetched beforehand: the evaluator holds no credential,
 * and a stranger's evaluation has neither. The server can be reached from inside and writes down who asked it for what.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRepositorySlug } from '@argunix/shared/domain/repository-slug';
import { outputOf } from '@argunix/shared/kit/run-process';
import { Secret } from '@argunix/shared/kit/secret';
import { installedNixes } from '@argunix/shared/nix/testing/real-nix';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type GitServer, startGitServer } from '../../../../test/git-server.ts';
import { type LanHost, startLanHost } from '../../../../test/lan-host.ts';
import {
  confine,
  type Evaluated,
  evaluateAll,
  flakeText,
  requestFor,
} from '../../../../test/real-evaluation.ts';
import { evaluationId, makeRealGit, never, type RealGit, ref, source } from '../../../../test/real-git.ts';
import type { Evaluator } from '../../../ports/evaluator.ts';
import type { Source } from '../../../ports/source-checkout.ts';
import { createBuiltInEvaluator } from '../built-in-evaluator.ts';
import type { Confinement } from './confinement.ts';

const TOKEN = 'tok-5c1d';
let real: RealGit;
let lan: LanHost;
let server: GitServer;
beforeAll(async () => {
  real = await makeRealGit({
    credentialOf: async () => await Promise.resolve({ username: 'oauth2', password: new Secret(TOKEN) }),
  });
  await mkdir(join(real.dir, 'served'));
  lan = await startLanHost(join(real.dir, 'served'));
  server = await startGitServer({
    ...{ root: join(real.dir, 'remotes'), host: lan.ourAddress, accounts: [{ password: TOKEN }] },
    open: ['owner/private-docs'],
  });
});
afterAll(async () => {
  await server.close();
  await lan.close();
  await real.remove();
});

function slug(text: string): Source['fetchable'][number]['slug'] {
  const verdict = parseRepositorySlug(text);
  if (verdict.kind === 'refused') {
    throw new Error(verdict.reason);
  }
  return verdict.slug;
}

describe.each(installedNixes())('$title', { timeout: 60_000 }, ({ env, isMissing }) => {
  let confinement: Confinement;
  let evaluator: Evaluator;
  let word: string;
  let number = 0;
  beforeEach(async (context) => {
    context.skip(isMissing);
    confinement = await confine(join(real.dir, `confined-${randomBytes(4).toString('hex')}`), env);
    evaluator = createBuiltInEvaluator(confinement);
    // New ones each time: what was once brought into the store is found there by its hash.
    word = randomBytes(8).toString('hex');
    await input('owner/private', word);
    await input('owner/private-docs', `docs-${word}`);
  });
  afterEach(async () => {
    if (!isMissing) {
      await confinement.close();
    }
  });

  async function input(name: string, content: string): Promise<void> {
    const repository = await real.init(`${name}.git`);
    await real.commit(repository, { 'flake.nix': `{ outputs = { self }: { word = "${content}"; }; }` });
  }

  /** Evaluates a revision with these inputs, of owner/sample, which may fetch owner/private. */
  async function evaluate(revision: Source, isTrusted: boolean, allowNetwork: boolean): Promise<Evaluated> {
    number += 1;
    const id = evaluationId(number);
    const sha = (await real.checkout.look(revision, never)).heads[0]?.sha;
    const flake = await real.checkout.checkOut(
      revision,
      { sha: sha as never, ref: ref('main'), isTrusted },
      id,
      never,
    );
    const cacheKey = isTrusted ? 'trusted' : 'untrusted';
    const evaluated = await evaluateAll(evaluator, requestFor(flake, { cacheKey, allowNetwork }));
    await real.checkout.remove(id);
    return evaluated;
  }

  /** Locked by somebody who can read them all. */
  async function sample(inputs: Readonly<Record<string, string>>): Promise<Source> {
    const urls = Object.entries(inputs).map(([name, url]) => `${name}.url = "${url}";`);
    const words = Object.keys(inputs).map((name) => `\${inputs.${name}.word}`);
    const text = flakeText(`{ packages.\${s}.got = mk "${words.join('-')}" { }; }`, `{ ${urls.join(' ')} }`);
    const dir = await mkdtemp(join(real.dir, 'draft-'));
    await writeFile(join(dir, 'flake.nix'), text);
    const bases = [`${server.url}/`, `ssh://git@${lan.ourAddress}/`];
    await outputOf({
      command: 'nix',
      args: ['flake', 'lock', '--store', join(dir, 'store'), `path:${dir}`],
      env: {
        ...env,
        HOME: join(dir, 'home'),
        GIT_CONFIG_COUNT: String(bases.length),
        ...Object.fromEntries(
          bases.flatMap((base, i) => [
            [`GIT_CONFIG_KEY_${i}`, `url.${real.dir}/remotes/.insteadOf`],
            [`GIT_CONFIG_VALUE_${i}`, base],
          ]),
        ),
      },
      deadlineMs: 30_000,
    });
    await real.commit(await real.init('owner/sample.git'), {
      'flake.nix': text,
      'flake.lock': await readFile(join(dir, 'flake.lock'), 'utf8'),
    });
    return source(`${server.url}/owner/sample.git`, {
      credential: { kind: 'forge', forge: 'work', slug: slug('owner/sample') },
      fetchable: [{ slug: slug('owner/private'), url: `${server.url}/owner/private.git` }],
    });
  }

  test('a stranger’s revision does not get what the same revision gets when it is trusted', async () => {
    const revision = await sample({ a: `git+${server.url}/owner/private.git?ref=main` });
    const before = server.asked.length;

    const stranger = await evaluate(revision, false, true);
    const asStranger = server.asked.slice(before).filter(({ repository }) => repository === 'owner/private');
    const trusted = await evaluate(revision, true, true);

    expect(stranger.found).not.toMatchObject([{ kind: 'job' }]);
    expect(JSON.stringify(stranger)).not.toContain(word);
    expect(asStranger.length).toBeGreaterThan(0);
    expect(asStranger.filter(({ sent }) => sent !== undefined)).toEqual([]);
    expect(trusted.found).toMatchObject([{ kind: 'job', name: word }]);
  });

  test('the evaluator asks the server for nothing, and needs no network, by http or by SSH', async () => {
    const revision = await sample({
      a: `git+${server.url}/owner/private?ref=main`,
      b: `git+ssh://git@${lan.ourAddress}/owner/private?ref=main`,
    });

    const trusted = await evaluate(revision, true, false);

    expect(trusted.ending).toEqual({ kind: 'complete', warnings: [] });
    expect(trusted.found).toMatchObject([{ kind: 'job', name: `${word}-${word}` }]);
  });

  test('an input whose name only begins like that of a private one is fetched as by anybody', async () => {
    const revision = await sample({
      a: `git+${server.url}/owner/private?ref=main`,
      b: `git+${server.url}/owner/private-docs?ref=main`,
    });

    const trusted = await evaluate(revision, true, true);

    expect(trusted.found).toMatchObject([{ kind: 'job', name: `${word}-docs-${word}` }]);
    expect(
      server.asked.filter(
        ({ repository, sent }) => repository === 'owner/private-docs' && sent !== undefined,
      ),
    ).toEqual([]);
  });

  test('a stranger’s flake does not find the mirrors by their path', async () => {
    const revision = await sample({ a: `git+${server.url}/owner/private?ref=main` });
    const sha = (await real.checkout.look(revision, never)).heads[0]?.sha;
    const trusted = await real.checkout.checkOut(
      revision,
      { sha: sha as never, ref: ref('main'), isTrusted: true },
      evaluationId(900),
      never,
    );
    const mirrorDir = trusted.inputs[0]?.mirrorDir ?? '';
    const tip = await real.git(mirrorDir, 'rev-parse', 'HEAD');
    await real.commit(await real.init('owner/sample.git'), {
      'flake.nix': flakeText(
        `{ packages.\${s}.got = mk (builtins.getFlake "git+file://${mirrorDir}?ref=main&rev=${tip}").word { }; }`,
      ),
      'flake.lock': '{ "nodes": { "root": {} }, "root": "root", "version": 7 }',
    });

    const asStranger = await evaluate(revision, false, false);
    const asTrusted = await evaluate(revision, true, false);

    expect(asTrusted.found).toMatchObject([{ kind: 'job', name: word }]);
    expect(asStranger.outcomes['packages.x86_64-linux.got']).not.toBe('job');
    expect(JSON.stringify(asStranger)).not.toContain(word);
  });
});
