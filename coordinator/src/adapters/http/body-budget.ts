/**
 * All bodies in flight share one memory bound: a body is taken from it by its announced length before a byte is read,
 * or as its chunks come, and given back when the request is over in any way.
 */
import { Transform } from 'node:stream';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface BodyBudget {
  /** False when so many are not left. */
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

export function createBodyBudget(mostBytes: number): BodyBudget {
  let heldBytes = 0;
  return {
    take: (bytes) => {
      if (heldBytes + bytes > mostBytes) {
        return false;
      }
      heldBytes += bytes;
      return true;
    },
    giveBack: (bytes) => {
      heldBytes -= bytes;
    },
  };
}

export function useBodyBudget(app: FastifyInstance, budget: BodyBudget): void {
  const held = new WeakMap<FastifyRequest, number>();

  function take(request: FastifyRequest, bytes: number): boolean {
    const isTaken = budget.take(bytes);
    if (isTaken) {
      held.set(request, (held.get(request) ?? 0) + bytes);
    }
    return isTaken;
  }

  function giveBack(request: FastifyRequest): void {
    budget.giveBack(held.get(request) ?? 0);
    held.delete(request);
  }

  app.addHook('preParsing', (request, reply, payload, done) => {
    reply.raw.once('close', () => giveBack(request));
    const announced = Number(request.headers['content-length'] ?? Number.NaN);
    if (!Number.isNaN(announced)) {
      const isWithin = announced <= request.routeOptions.bodyLimit;
      done(isWithin && !take(request, announced) ? tooMuchAtOnce() : null, payload);
      return;
    }
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        next(take(request, chunk.length) ? null : tooMuchAtOnce(), chunk);
      },
    });
    payload.once('error', (error) => counted.destroy(error));
    done(null, payload.pipe(counted));
  });
}

function tooMuchAtOnce(): AppError {
  return new AppError('busy', 'The bodies of other requests fill the memory set aside for them.');
}
