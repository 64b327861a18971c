import { parseRepositorySlug } from '@argunix/shared/domain/repository-slug';
import { z } from 'zod';
import { judgeGitUrl } from '../git-url.ts';
import { AttributeKinds, EvaluationOverrides, Systems } from './evaluation.ts';
import { RetentionOverrides } from './retention.ts';
import { flag, listOf, oneOf, seconds, secretPath, section, text, wholeNumber } from './scalars.ts';

export const Slug = z.string({ error: () => 'expected owner/name' }).check((context) => {
  const verdict = parseRepositorySlug(context.value);
  if (verdict.kind === 'refused') {
    context.issues.push({ code: 'custom', input: context.value, message: verdict.reason });
  }
});

const CloneSection = section({
  method: oneOf(['https', 'ssh'])
    .default('https')
    .describe('How to clone: https with the credential of the forge, or SSH with ssh_key_path alone.'),
  ssh_key_path: secretPath()
    .optional()
    .describe('The private key for method ssh, in a file that only we may read.'),
  persistent: flag().default(false).describe('Whether to keep a clone between evaluations.'),
});

const anyRepository = {
  watched_branches: listOf(text('a branch or a pattern such as release/*'), 'branches')
    .default(['main'])
    .describe(
      'Branches whose pushes are built: names or patterns (`release/*`, `**` for all), or full refs such as `refs/tags/v*`. Only main unless told: a repository that still has master as well would build everything twice.',
    ),
  drop_superseded: flag()
    .default(false)
    .describe(
      'When a newer push to a branch comes, what of the older one is still queued is dropped; what runs is let finish. Left off, every push is built to its end. Of a request only the newest push is built, whatever this says, and tags are never dropped.',
    ),
  visibility: oneOf(['public', 'private', 'auto'])
    .default('auto')
    .describe(
      'Who sees its pages. auto: what the forge says, private when it does not say; of kind git, public unless it is cloned with a token or over SSH.',
    ),
  weight: z
    .number({ error: () => 'expected a number from 0.01 to 1000' })
    .min(0.01, { error: () => 'expected a number from 0.01 to 1000' })
    .max(1000, { error: () => 'expected a number from 0.01 to 1000' })
    .default(1)
    .describe('Its share of the builders against other repositories that want them at the same time.'),
  systems: Systems.optional().describe('As systems at the top, for this repository.'),
  attributes: AttributeKinds.optional().describe('As eval.attributes, for this repository.'),
  eval: EvaluationOverrides.prefault({}).describe('What differs from eval at the top.'),
  retention: RetentionOverrides.prefault({}).describe('What differs from retention at the top.'),
  caches: listOf(text('the name of a binary cache'), 'names of binary caches')
    .optional()
    .describe('The binary caches to push to, by name. Left out: all that allow this repository.'),
  push_to_registries: listOf(text('the name of a registry'), 'names of registries')
    .default([])
    .describe(
      'Registries that get the images of this repository, besides those of its forge and of defaults.',
    ),
  clone: CloneSection.prefault({}).describe(
    'How to clone a repository of a forge; of kind git, the URL says it.',
  ),
  collapsed_check_threshold: wholeNumber(0)
    .optional()
    .describe('As schedule.collapsed_check_threshold, for this repository.'),
};

export const ForgeRepository = section({
  ...anyRepository,
  build_prs: flag().default(true).describe('Whether pull requests are built.'),
  pr_allowlist: listOf(text('a login'), 'logins')
    .default([])
    .describe('Logins whose requests are trusted though they may not push. Letter case matters.'),
  fetch_repos: listOf(Slug, 'repositories of this forge')
    .default([])
    .describe(
      'What trusted revisions may fetch with our credentials besides their own repository: as submodules, large files and inputs of the flake.',
    ),
});
export type ForgeRepository = z.infer<typeof ForgeRepository>;

export const GitRepository = section({
  url: text('what git can clone from')
    .check((context) => {
      const verdict = judgeGitUrl(context.value);
      if (verdict.kind === 'refused') {
        const message = `expected ${verdict.expected}`;
        context.issues.push({
          code: 'custom',
          input: context.value,
          message: verdict.holdsSecret ? `${message}; the URL is not shown here` : message,
        });
      }
    })
    .describe('Any URL or path that git can clone. Variables expand in a path.'),
  poll_seconds: seconds(0.1)
    .default(60)
    .describe(
      'How often to look for new commits; a poke brings the next look forward. A minute is kind to a server.',
    ),
  token_path: secretPath().optional().describe('A file with the token or password for an https URL.'),
  ...anyRepository,
});
export type GitRepository = z.infer<typeof GitRepository>;
