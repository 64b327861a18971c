/**
 * What a revision may fetch with a credential besides its own repository: `fetchable` of its source when it is trusted,
 * nothing otherwise. What is fetched so lies in a place of its own, by source of the credential: the mirror of the
 * repository is seen by the evaluations of strangers, too.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FetchableRepository, Source, SourceCredential } from '../../ports/source-checkout.ts';
import { parseForeignUrl, parseRepositoryUrl, type RepositoryUrl } from './repository-url.ts';
import { comparableUrl, spellingsOf } from './url-spellings.ts';

export interface Grant {
  readonly url: RepositoryUrl;
  readonly credential: SourceCredential | null;
  readonly spellings: readonly string[];
  /** Holds all that was fetched of this repository with this credential. */
  readonly dir: string;
}

export interface Grants {
  readonly all: readonly Grant[];
  /** Where a URL that a revision names leads: to what is granted, else by https and ssh to anywhere, as nobody. */
  resolve(text: string, base: RepositoryUrl): Resolved;
}

export type Resolved =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'foreign'; readonly url: RepositoryUrl }
  | { readonly kind: 'refused'; readonly reason: string };

export function createGrants(source: Source, isTrusted: boolean, grantedDir: string): Grants {
  const all = (isTrusted ? source.fetchable : []).map((one) => grantOf(one, source.credential, grantedDir));
  const bySpelling = new Map(
    all.flatMap((grant) => grant.spellings.map((spelling) => [comparableUrl(spelling), grant] as const)),
  );
  return {
    all,
    resolve(text, base) {
      const named = bySpelling.get(comparableUrl(text));
      if (named !== undefined) {
        return { kind: 'granted', grant: named };
      }
      const verdict = parseForeignUrl(text, base);
      if (verdict.kind === 'refused') {
        return verdict;
      }
      const grant = bySpelling.get(comparableUrl(verdict.url.text));
      return grant === undefined ? { kind: 'foreign', url: verdict.url } : { kind: 'granted', grant };
    },
  };
}

function grantOf(
  { slug, url: text }: FetchableRepository,
  own: SourceCredential | null,
  grantedDir: string,
): Grant {
  const verdict = parseRepositoryUrl(text);
  if (verdict.kind === 'refused') {
    throw new AppError('git.refused', `fetch_repos, ${slug}: ${verdict.reason}`);
  }
  const credential = own?.kind === 'forge' ? { ...own, slug } : own;
  // Whoever asks with another credential may not be let in by what this one fetched.
  const key = createHash('sha256')
    .update(JSON.stringify([credential, verdict.url.text]))
    .digest('hex')
    .slice(0, 32);
  return { url: verdict.url, credential, spellings: spellingsOf(text), dir: join(grantedDir, key) };
}
