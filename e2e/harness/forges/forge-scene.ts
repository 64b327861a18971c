/** A coordinator that watches one private repository at one forge, and hands on both. */
import { join } from 'node:path';
import { EvaluationView } from '@argunix/shared/control-api/views';
import type { RepositorySlug } from '@argunix/shared/domain/repository-slug';
import type { Sha } from '@argunix/shared/domain/sha';
import { z } from 'zod';
import type { DeliveryHeaders } from '../../../coordinator/src/ports/forge-deliveries.ts';
import type { ShownCheck, StandInRequest } from '../../../coordinator/test/forges/forge-subject.ts';
import { createGitSite, type GitSite } from '../../../coordinator/test/git-server.ts';
import { until } from '../../../coordinator/test/until.ts';
import { get, post } from '../control-socket.ts';
import { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from '../coordinator.ts';
import { type FlakeRepository, makeFlakeRepository } from '../flake-repository.ts';
import { type Front, startFront } from './front.ts';
import type { ForgeInTest, Told } from './live-forge.ts';

export const SLUG = 'owner/name' as RepositorySlug;
export const FORGE = 'there';
const WITHIN_MS = 20_000;

export interface ForgeScene {
  readonly forge: ForgeInTest;
  readonly front: Front;
  readonly git: GitSite;
  readonly repository: FlakeRepository;
  coordinator(): RunningCoordinator;
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Delivers to the hook that is installed; answers the status. */
  tell(told: Told, headers: (event: string) => DeliveryHeaders): Promise<number>;
  /** Of the whole repository's hook: where, and its secret. */
  hook(): { readonly url: string; readonly secret: string } | undefined;
  checks(sha: string): Readonly<Record<string, ShownCheck>>;
  /** Each context of this revision with its state, once `isSo`. */
  checksWhen(sha: string, isSo: (states: Readonly<Record<string, string>>) => boolean): Promise<void>;
  evaluations(sha: string): Promise<readonly EvaluationView[]>;
  /** Makes the head of a request at the forge, and its merge where it has those. */
  openRequest(request: Omit<StandInRequest, 'isOpen' | 'isDraft'>): Promise<void>;
  command(path: string): Promise<number>;
  /** Requests that the forge's own description does not allow. */
  close(): Promise<readonly string[]>;
}

export interface SceneOptions {
  readonly dir: string;
  readonly forge: ForgeInTest;
  readonly repos?: Readonly<Record<string, unknown>>;
  readonly configuration?: Readonly<Record<string, unknown>>;
  readonly program?: CoordinatorOptions['program'];
}

export async function startForgeScene({
  dir,
  forge,
  repos = {},
  configuration = {},
  program,
}: SceneOptions): Promise<ForgeScene> {
  const repository = await makeFlakeRepository(join(dir, 'served', `${SLUG}.git`));
  await repository.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
  const git = createGitSite({
    root: join(dir, 'served'),
    get accounts() {
      return forge.accounts();
    },
  });
  const front = await startFront(git, forge.standIn.server.url);
  forge.standIn.addRepository({ slug: SLUG, isPrivate: true, defaultBranch: 'main' });
  const credential = await forge.settings(dir);
  const start = (): Promise<RunningCoordinator> =>
    startCoordinator({
      dir,
      ...(program === undefined ? {} : { program }),
      configuration: {
        systems: ['x86_64-linux'],
        ...configuration,
        schedule: {
          catch_up_seconds: 3600,
          infrastructure_retry_seconds: 0.1,
          ...(configuration['schedule'] as object | undefined),
        },
        forges: {
          [FORGE]: { kind: forge.kind, web_url: front.url, ...credential, repos: { [SLUG]: repos } },
        },
      },
    });
  let coordinator = await start();

  function hook(): { readonly url: string; readonly secret: string } | undefined {
    const own = forge.standIn.hooksOf(SLUG).find(({ url }) => url.includes(`/webhook/${FORGE}/`));
    const secret = own?.secret ?? null;
    return forge.appHook() ?? (own === undefined || secret === null ? undefined : { url: own.url, secret });
  }
  function checks(sha: string): Readonly<Record<string, ShownCheck>> {
    return Object.fromEntries(
      forge.standIn.checksOf(SLUG, sha as Sha).map((check) => [check.context, check]),
    );
  }
  const states = (sha: string): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(checks(sha)).map(([context, { state }]) => [context, state]));

  return {
    forge,
    front,
    git,
    repository,
    coordinator: () => coordinator,
    restart: async (signal = 'SIGTERM') => {
      await coordinator.kill(signal);
      coordinator = await start();
    },
    hook,
    tell: async ({ event, payload }, headers) => {
      const { url, secret } = hook() ?? {};
      const body = Buffer.from(JSON.stringify(payload));
      const answer = await fetch(`${coordinator.url}${new URL(url ?? 'http://x/none').pathname}`, {
        method: 'POST',
        headers: { ...headers(event), ...forge.sign(body, secret ?? '') } as Record<string, string>,
        body,
      });
      await answer.arrayBuffer();
      return answer.status;
    },
    checks,
    checksWhen: async (sha, isSo) => {
      let last = '';
      const found = await until(
        'the checks are as expected',
        () => {
          last = JSON.stringify(checks(sha), null, 1);
          return isSo(states(sha));
        },
        WITHIN_MS,
        25,
      ).catch((error: unknown) => error);
      if (found !== undefined) {
        throw new Error(`${last}\n${coordinator.log().slice(-6_000)}`, { cause: found });
      }
    },
    evaluations: async (sha) => {
      // A private repository shows to nobody here: the operator's socket is asked.
      const all = await get(join(dir, 'state/control/argunix.sock'), '/api/v1/evals?limit=100');
      return z
        .array(EvaluationView)
        .parse(all)
        .filter((one) => one.sha === sha);
    },
    openRequest: async (request) => {
      const { number, headSha } = request;
      await repository.git('update-ref', forge.headRef(number), headSha);
      if (forge.mergeRef !== null) {
        const base = (await repository.git('rev-parse', 'refs/heads/main')).trim();
        const tree = (await repository.git('rev-parse', `${headSha}^{tree}`)).trim();
        const merge = (
          await repository.git('commit-tree', tree, '-p', base, '-p', headSha, '-m', 'merge')
        ).trim();
        await repository.git('update-ref', forge.mergeRef(number), merge);
        forge.standIn.setMerge(SLUG, number, { sha: merge as Sha });
      }
      forge.standIn.addRequest(SLUG, { ...request, isDraft: false, isOpen: true });
    },
    command: async (path) => {
      const { status } = await post(join(dir, 'state/control/argunix.sock'), `/api/v1${path}`);
      return status;
    },
    close: async () => {
      await coordinator.kill('SIGKILL');
      await front.down();
      await forge.standIn.server.close();
      return forge.standIn.server.violations;
    },
  };
}
