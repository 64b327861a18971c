import { z } from 'zod';
import { parseWebUrl } from '../web-url.ts';
import { ForgeRepository, GitRepository, Slug } from './repository.ts';
import { listOf, oneOf, parsedText, secretPath, section, text, wholeNumber } from './scalars.ts';

/** `gitea` is another word for forgejo: both answer to the same API. */
const REAL_FORGE_KINDS = ['github', 'gitlab', 'forgejo', 'gitea'] as const;
export const FORGE_KIND_WORDS = [...REAL_FORGE_KINDS, 'git'] as const;

export const ForgeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, {
  error: () =>
    'expected a name of letters, digits and . _ -, that begins with a letter or digit: it stands in URLs',
});

const pushToRegistries = listOf(text('the name of a registry'), 'names of registries')
  .default([])
  .describe('Registries that get the images of every repository of this forge.');

function repositoriesOf<Repository extends z.ZodType>(
  repository: Repository,
): z.ZodRecord<typeof Slug, Repository> {
  return z.record(Slug, repository, {
    error: (issue) =>
      issue.code === 'invalid_type' ? 'expected a map from owner/name to settings' : undefined,
  });
}

const RealForge = section({
  kind: oneOf(REAL_FORGE_KINDS).describe(
    'What speaks there: github, gitlab, forgejo, or gitea (the same as forgejo).',
  ),
  web_url: parsedText(
    'the http or https address of the forge, without credentials or query',
    parseWebUrl,
  ).describe('Where people look at it; the address of the API follows from it.'),
  token_path: secretPath()
    .optional()
    .describe('A file with a token. Either this, or app_id with app_private_key_path.'),
  app_id: wholeNumber(1).optional().describe('The number of a GitHub App.'),
  app_private_key_path: secretPath().optional().describe("The App's private key, a PEM file."),
  push_to_registries: pushToRegistries,
  // A person who writes `owner/name:` and nothing behind it means the defaults.
  repos: repositoriesOf(ForgeRepository.nullable())
    .default({})
    .describe('Its repositories by owner/name; `owner/name: {}` takes every default.'),
});

const GitForge = section({
  kind: z
    .literal('git')
    .describe('No forge: git URLs or paths that are polled. Results are on our own pages only.'),
  push_to_registries: pushToRegistries,
  repos: repositoriesOf(GitRepository)
    .default({})
    .describe('Its repositories by a name of your choice, like owner/name.'),
});

export const Forge = z.discriminatedUnion('kind', [RealForge, GitForge], {
  error: (issue) =>
    typeof issue.input === 'object' && issue.input !== null
      ? `expected one of ${FORGE_KIND_WORDS.join(', ')}`
      : 'expected a map of keys and values',
});
export type RealForge = z.infer<typeof RealForge>;
export type GitForge = z.infer<typeof GitForge>;
