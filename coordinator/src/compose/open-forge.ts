/** One forge of the configuration as an adapter, by its kind; each is loaded when there is one of it. */
import type { Clock } from '@argunix/shared/kit/clock';
import { readSecret } from '@argunix/shared/kit/secret';
import type { ForgeSettings } from '../config/configuration.ts';
import type { Forge } from '../ports/forge.ts';
import type { AppHook, ForgeHooks } from '../ports/forge-hooks.ts';

export type RealForgeSettings = Exclude<ForgeSettings, { kind: 'git' }>;

export interface OpenForge {
  readonly forge: Forge;
  readonly hooks: ForgeHooks;
  /** Of a GitHub App, whose deliveries come by one hook for all repositories. */
  readonly appHook: AppHook | null;
  close(): Promise<void>;
}

export async function openForge(
  { kind, name, webUrl, auth }: RealForgeSettings,
  clock: Clock,
  onAnswer: (outcome: number | 'unreachable') => void,
): Promise<OpenForge> {
  const common = { name, webUrl, clock, onAnswer };
  if (kind === 'github') {
    const credential =
      auth.kind === 'token'
        ? ({ kind: 'token', read: () => readSecret(auth.tokenPath) } as const)
        : ({
            kind: 'app',
            appId: auth.appId,
            readKey: () => readSecret(auth.privateKeyPath),
          } as const);
    const { createGitHubForge } = await import('../adapters/forge/github/create-github.ts');
    return createGitHubForge({ ...common, credential });
  }
  if (auth.kind === 'app') {
    throw new Error('judgeReferences lets an App through for GitHub alone');
  }
  const options = { ...common, readToken: () => readSecret(auth.tokenPath) };
  if (kind === 'gitlab') {
    const { createGitLabForge } = await import('../adapters/forge/gitlab/gitlab-forge.ts');
    return { appHook: null, ...createGitLabForge(options) };
  }
  const { createGiteaForge } = await import('../adapters/forge/gitea/gitea-forge.ts');
  return { appHook: null, ...createGiteaForge(options) };
}
