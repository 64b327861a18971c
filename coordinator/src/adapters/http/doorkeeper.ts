/** Who asks for a change, and whether they may. One listener has one. */
import type { RepositoryRef } from '@argunix/shared/control-api/views';
import type { TokenRight } from '@argunix/shared/domain/token-right';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyRequest } from 'fastify';
import type { Bearer, IdentifyBearer } from '../../ports/bearers.ts';
import { bearerOf } from './reader.ts';

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

const HOW = 'send Authorization: Bearer with a token; the operator makes one by argunixctl tokens create';

/** Where strangers listen: only who has a token that works is anybody. */
export function tokensDoor(identify: IdentifyBearer): Doorkeeper {
  function admitted(request: FastifyRequest): Extract<Bearer, { kind: 'token' }> {
    const sent = bearerOf(request);
    if (sent === null) {
      throw new AppError('unauthorized', `This needs a token: ${HOW}.`);
    }
    const bearer = identify(sent);
    switch (bearer.kind) {
      case 'token':
        return bearer;
      case 'dead':
        throw new AppError(
          'unauthorized',
          `The token ${bearer.name} ${bearer.state === 'expired' ? 'has expired' : 'was revoked'}: ${HOW}.`,
        );
      case 'unknown':
        throw new AppError('unauthorized', `There is no such token: ${HOW}.`);
      default:
        return bearer satisfies never;
    }
  }

  // Who asked stays known, also when the token is revoked before the answer is there.
  const names = new WeakMap<FastifyRequest, string>();

  return {
    admit: (request) => void names.set(request, `token ${admitted(request).name}`),
    nameOf: (request) => names.get(request) ?? null,
    demand: (request, right, repository) => {
      // Asked anew: a body may take a minute to come, and a token be revoked meanwhile.
      const { name, may } = admitted(request);
      if (!may(right, repository)) {
        throw new AppError(
          'forbidden',
          `The token ${name} may not ${right} in ${repository.forge}/${repository.slug}: that takes one made with --may ${right}, for this repository.`,
        );
      }
    },
  };
}
