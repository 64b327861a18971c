/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { OpenResponse } from './open-responses.ts';

export interface StreamEvent {
  readonly event?: string;
  /** What a browser sends back as `Last-Event-ID`. */
  readonly id?: string;
  readonly data?: unknown;
}

// After a restart of the coordinator browsers are back within seconds, and not all of them at once.
const RETRY_MS = 2_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // nginx would hold events back until its buffer is full.
  'x-accel-buffering': 'no',
};

/** A response whose chunks are events. A browser comes back when it ends without being told to stay away. */
export function eventStream(produce: OpenResponse['produce']): OpenResponse {
  return {
    headers: HEADERS,
    keepAlive: Buffer.from(': keep-alive\n\n'),
    farewell: Buffer.from(`retry: ${RETRY_MS}\n\n`),
    async *produce(signal) {
      yield Buffer.from(`retry: ${RETRY_MS}\n\n`);
      yield* produce(signal);
    },
  };
}

/** `id` and `event` are ours and on one line; `data` is written as JSON, which has no line breaks. */
export function encodeEvent({ event, id, data }: StreamEvent): Buffer {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(data === undefined ? [] : [`data: ${JSON.stringify(data)}`]),
  ];
  return Buffer.from(`${lines.join('\n')}\n\n`);
}
