/** Who may read what of the repositories that not everybody may know of, and who is told that something changed. */
import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { RepositoryId } from '@argunix/shared/domain/ids';
import type { Change, Changes } from '../ports/changes.ts';
import type { EvaluationStore } from '../ports/evaluation-store.ts';
import type { MayRead, Reader } from '../ports/may-read.ts';
import type { TokenRegistry } from './token-registry.ts';

export interface ReaderSources {
  readonly changes: Changes;
  readonly evaluations: Pick<EvaluationStore, 'find'>;
  /** As of now. */
  readonly privateOnes: () => PrivateRepositories;
  readonly tokens: Pick<TokenRegistry, 'identify' | 'mayRead'>;
}

export type PrivateRepositories = ReadonlyMap<RepositoryId, RepositoryRef>;

export interface ReadableChanges {
  /** Equal for readers who are told the same. */
  readonly key: string;
  readonly changes: Changes;
}

export interface Readers {
  readonly mayRead: MayRead;
  /** What `bearer` may know of, not even the number of anything else. */
  readonly changesFor: (bearer: string | null) => ReadableChanges;
}

const STRANGERS = 'strangers';

export function createReaders({ changes, evaluations, privateOnes, tokens }: ReaderSources): Readers {
  let names = new Set<string>();
  let namesOf: PrivateRepositories | undefined;

  function isPrivate({ forge, slug }: RepositoryRef): boolean {
    const known = privateOnes();
    if (known !== namesOf) {
      names = new Set([...known.values()].map((one) => `${one.forge}/${one.slug}`));
      namesOf = known;
    }
    return names.has(`${forge}/${slug}`);
  }
  const mayRead: MayRead = (reader, repository) =>
    !isPrivate(repository) || tokens.mayRead(reader, repository);

  function isReadable(change: Change, reader: Reader): boolean {
    if (change.kind === 'queue' || privateOnes().size === 0) {
      return true;
    }
    const id =
      change.kind === 'repository'
        ? change.repositoryId
        : evaluations.find(change.evaluationId)?.repositoryId;
    const hidden = id === undefined ? undefined : privateOnes().get(id);
    return id !== undefined && (hidden === undefined || tokens.mayRead(reader, hidden));
  }

  return {
    mayRead,
    changesFor: (bearer) => {
      const identified = bearer === null ? undefined : tokens.identify(bearer);
      const isKnown = identified?.kind === 'token';
      const reader: Reader = { bearer: isKnown ? bearer : null };
      return {
        key: isKnown ? identified.key : STRANGERS,
        changes: {
          tell: (change) => changes.tell(change),
          listen: (listener) =>
            changes.listen((change) => {
              if (isReadable(change, reader)) {
                listener(change);
              }
            }),
        },
      };
    },
  };
}
