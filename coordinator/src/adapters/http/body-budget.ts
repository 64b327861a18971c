/**
 * All bodies in flight share one memory bound: a body is taken from it by its announced length before a byte is read,
 * or as its chunks come, and given back when the request is over in any way.
 */
import { Transform } from 'node:stream';
import { AppError } from '@argunix/shared/kit/app-error';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export function useBodyBudget(app: FastifyInstance, budgetBytes: number): void {
  const held = new WeakMap<FastifyRequest, number>();
  let heldBytes = 0;

  function take(request: FastifyRequest, bytes: number): boolean {
    if (heldBytes + bytes > budgetBytes) {
      return false;
    }
    heldBytes += bytes;
    held.set(request, (held.get(request) ?? 0) + bytes);
    return true;
  }

  function giveBack(request: FastifyRequest): void {
    heldBytes -= held.get(request) ?? 0;
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
