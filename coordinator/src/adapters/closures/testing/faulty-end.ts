/** A channel that breaks, or falls silent, after so many bytes in one direction. */
import { Duplex, Transform } from 'node:stream';
import type { RemoteEnd } from '../serve-end.ts';

export interface Fault {
  readonly direction: 'to builder' | 'from builder';
  readonly afterBytes: number;
  readonly kind: 'cut' | 'stall';
}

export function withFault(remote: RemoteEnd, fault: Fault): RemoteEnd {
  const { stream } = remote;
  const toBuilder = fault.direction === 'to builder' ? faulty(fault) : new Transform({ transform: pass });
  const fromBuilder = fault.direction === 'from builder' ? faulty(fault) : new Transform({ transform: pass });
  toBuilder.pipe(stream);
  stream.pipe(fromBuilder);
  const ours = Duplex.from({ readable: fromBuilder, writable: toBuilder });
  for (const part of [toBuilder, fromBuilder]) {
    part.on('error', () => {
      ours.destroy();
      remote.close();
    });
  }
  return { ...remote, stream: ours };
}

function pass(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
  done(null, chunk);
}

function faulty({ afterBytes, kind }: Fault): Transform {
  let left = afterBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const passing = chunk.subarray(0, left);
      left -= passing.length;
      this.push(passing);
      if (passing.length === chunk.length) {
        done();
      } else if (kind === 'cut') {
        done(new Error('the cable was cut'));
      }
      // A stall: the rest is never taken.
    },
  });
}
