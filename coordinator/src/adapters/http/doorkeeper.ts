/** Who asks for a change, and whether they may. One listener has one. */
import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { TokenRight } from '@argunix/shared/domain/token-right';
import type { FastifyRequest } from 'fastify';

export interface Doorkeeper {
  /** Throws `unauthorized` for who is nobody. Asked before anything of the body is read. */
  admit(request: FastifyRequest): void;
  /** Of one who was admitted: the name for logs, and for what is kept of an approval. Null for nobody. */
  nameOf(request: FastifyRequest): string | null;
  /** Throws `forbidden`. Only for a repository that the reader may read. */
  demand(request: FastifyRequest, right: TokenRight, repository: RepositoryRef): void;
}

/** What argunixctl says of who runs it. */
const CLAIM = 'argunix-operator';

/** Whoever reaches a listener that only the operator can reach may do everything; their name is what they claim. */
export const operatorsDoor: Doorkeeper = {
  admit: () => undefined,
  nameOf: ({ headers }) => {
    const claimed = headers[CLAIM];
    return typeof claimed === 'string' && /^[\w.@+-]{1,64}$/.test(claimed)
      ? `operator ${claimed}`
      : 'operator';
  },
  demand: () => undefined,
};
