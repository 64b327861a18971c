/**
 * Reads what follows `/r/` from the raw URL: an attribute may hold any character, a slash too, so each segment is
 * decoded on its own and only after the split.
 */
import type { RepositoryRef } from '@argunix/shared/control-api/views';

export type RepositoryPath =
  | { readonly kind: 'repository'; readonly repository: RepositoryRef }
  | { readonly kind: 'evaluation'; readonly repository: RepositoryRef; readonly evaluationId: number }
  | {
      readonly kind: 'job' | 'log';
      readonly repository: RepositoryRef;
      readonly evaluationId: number;
      readonly attr: string;
    };

/** `rawPath` is the path as sent, without query, from its first slash; undefined is 404. */
export function parseRepositoryPath(rawPath: string): RepositoryPath | undefined {
  const segments = decodeSegments(rawPath);
  if (segments?.[0] !== 'r') {
    return undefined;
  }
  const evalAt = segments.indexOf('eval', 2);
  const slugEnd = evalAt === -1 ? segments.length : evalAt;
  const repository = toRepository(segments.slice(1, slugEnd));
  if (repository === undefined) {
    return undefined;
  }
  if (evalAt === -1) {
    return { kind: 'repository', repository };
  }
  return parseEvaluationPath(repository, segments.slice(evalAt + 1));
}

export function decodeSegments(rawPath: string): readonly string[] | undefined {
  const trimmed = rawPath.replace(/^\//, '').replace(/\/$/, '');
  try {
    return trimmed.split('/').map(decodeURIComponent);
  } catch (error) {
    if (error instanceof URIError) {
      return undefined;
    }
    throw error;
  }
}

/** Forge, owner, name and what else a slug has; undefined when that is no repository. */
export function toRepository([forge = '', ...slug]: readonly string[]): RepositoryRef | undefined {
  const isWhole = slug.length >= 2 && [forge, ...slug].every((part) => part !== '' && !part.includes('/'));
  return isWhole ? { forge, slug: slug.join('/') } : undefined;
}

function parseId(text: string): number | undefined {
  return /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : undefined;
}

function parseEvaluationPath(
  repository: RepositoryRef,
  [idText = '', ...rest]: readonly string[],
): RepositoryPath | undefined {
  const evaluationId = parseId(idText);
  if (evaluationId === undefined) {
    return undefined;
  }
  if (rest.length === 0) {
    return { kind: 'evaluation', repository, evaluationId };
  }
  const [word, attr, last, ...more] = rest;
  if (word !== 'job' || attr === undefined || attr === '' || more.length > 0) {
    return undefined;
  }
  if (last === undefined) {
    return { kind: 'job', repository, evaluationId, attr };
  }
  return last === 'log' ? { kind: 'log', repository, evaluationId, attr } : undefined;
}
