/** A log as it is written, as server-sent events. What a build printed leaves here inside JSON, without control sequences. */
import type { LogLineView } from '@argunix/shared/control-api/views';
import type { LeaseId } from '@argunix/shared/domain/ids';
import type { LiveTail, LogEvent, LogStore, NumberedLine } from '../../ports/log-store.ts';
import { displayedText } from './displayed-text.ts';
import { encodeEvent } from './event-stream.ts';

export interface FoundLog {
  readonly leaseId: LeaseId;
  /** Whether the job still runs: its log may be about to begin. */
  readonly isLive: boolean;
  /** Asked again and again while it is sent: a token may be revoked, a repository made private. */
  readonly isReadable: () => boolean;
}

export async function* asEvents(
  logs: LiveTail & LogStore,
  { leaseId, isLive, isReadable }: FoundLog,
  from: number | undefined,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  // A job that runs and has no log yet, or no longer: the browser comes back and finds out.
  const isBetween = isLive && !logs.isLive(leaseId);
  for await (const event of logs.follow(leaseId, from, signal)) {
    if (!isReadable()) {
      return;
    }
    if (event.kind !== 'end' || !isBetween) {
      yield encodeLogEvent(event, leaseId);
    }
  }
}

const encoded = new WeakMap<LogEvent, Buffer>();

/** The bytes of an event, made once for all who read it. */
function encodeLogEvent(event: LogEvent, leaseId: LeaseId): Buffer {
  if (event.kind !== 'lines') {
    return encodeEvent(
      event.kind === 'end' ? { event: 'end', data: {} } : { event: 'lag', data: { dropped: event.dropped } },
    );
  }
  const known = encoded.get(event);
  if (known !== undefined) {
    return known;
  }
  const { lines } = event;
  const id = `${leaseId}.${lines.at(-1)?.number ?? 0}`;
  const bytes = encodeEvent({ id, event: 'lines', data: { lines: lines.map(toLineView) } });
  encoded.set(event, bytes);
  return bytes;
}

/** Where to go on: behind the line of the id, if it is one of this log and not of an attempt before it. */
export function parseLastEventId(id: string | string[] | undefined, leaseId: LeaseId): number | undefined {
  const match = typeof id === 'string' ? /^([0-9]{1,15})\.([0-9]{1,15})$/.exec(id) : null;
  return match !== null && Number(match[1]) === leaseId ? Number(match[2]) + 1 : undefined;
}

export function toLineView({ number, atMs, derivation, phase, text }: NumberedLine): LogLineView {
  return {
    number,
    at_ms: atMs,
    derivation: displayedText(derivation),
    phase: displayedText(phase),
    text: displayedText(text),
  };
}
