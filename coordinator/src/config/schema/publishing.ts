/** Where results go: binary caches and image registries. */
import type { z } from 'zod';
import { parseWebUrl } from '../web-url.ts';
import { flag, listOf, parsedText, path, secretPath, section, text } from './scalars.ts';

const PUSH_URL =
  'a store URI of `nix copy` without credentials, such as s3://bucket, ssh-ng://host or file:///srv/cache';
const PUBLIC_KEY = 'a public key such as cache.example.com-1:…';
const REGISTRY_URL = 'host or host:port, without a scheme';

export const BinaryCache = section({
  name: text('a name').optional().describe('What repositories call it; made from push_url when left out.'),
  push_url: text(PUSH_URL)
    .refine((url) => !url.startsWith('-') && !/^[a-z0-9+.-]+:\/\/[^/@]*:[^/]*@/i.test(url), {
      error: `expected ${PUSH_URL}`,
    })
    .describe('Any store URI that `nix copy --to` takes.'),
  public_url: parsedText('an http or https address', parseWebUrl)
    .optional()
    .describe('Where users fetch from, when that is another address; shown on the cache page.'),
  public_key: text(PUBLIC_KEY)
    .regex(/^[^:\s]+:\S+$/, { error: () => `expected ${PUBLIC_KEY}` })
    .optional()
    .describe('The key that users trust; shown on the cache page.'),
  signing_key_path: secretPath().describe('The private key that signs what is pushed.'),
  allowed_repos: listOf(text('a pattern such as codeberg/owner/*'), 'patterns over forge/owner/name')
    .default(['**'])
    .describe('Repositories whose results may be pushed, as patterns over forge/owner/name.'),
  allowed_branches: listOf(text('a branch or a pattern such as release/*'), 'branches')
    .default(['**'])
    .describe('Branches whose results may be pushed.'),
  pull_requests: flag()
    .default(false)
    .describe('Whether results of trusted pull requests are pushed too. Those of strangers never are.'),
});
export type BinaryCache = z.infer<typeof BinaryCache>;

export const ServeCacheSection = section({
  enabled: flag().default(false).describe('Offer the store of this host as a binary cache at /nix-cache.'),
  signing_key_path: secretPath().optional().describe('The private key that signs it; needed when enabled.'),
});

export const Registry = section({
  url: text(REGISTRY_URL)
    .regex(/^[A-Za-z0-9.-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/, {
      error: () => `expected ${REGISTRY_URL}`,
    })
    .describe('Where images are pushed: host or host:port.'),
  namespace: text('a namespace, which may hold {slug}')
    .regex(/^[^\s-]\S*$/, { error: () => 'expected a namespace, which may hold {slug}' })
    .describe('The path below the host; {slug} stands for the repository.'),
  auth_path: secretPath().optional().describe('A file with one line user:password.'),
  insecure: flag().default(false).describe('Speak plain http with it; for a registry on this host.'),
});
export type Registry = z.infer<typeof Registry>;

export const DefaultsSection = section({
  push_to_registries: listOf(text('the name of a registry'), 'names of registries')
    .default([])
    .describe('Registries that get the images of every repository.'),
});

export const WebSection = section({
  static_dir: path('a directory').default('static').describe('Where the Rust argunix had its style sheets.'),
});
