/** A lease at a builder from when the agent has it: its log to the end, and what was made back here. */
import type { BuildEnding } from '@argunix/shared/domain/build-ending';
import { messageOf } from '@argunix/shared/kit/app-error';
import { endingOf } from './ending-of.ts';
import { followLog } from './follow-log.ts';
import { knownOutputs } from './known-outputs.ts';
import type { RemoteLease } from './remote-lease.ts';
import type { RemoteBuilderPorts } from './remote-ports.ts';
import { showTransfer } from './show-transfer.ts';
import { aborted } from './signals.ts';
import type { Whereabouts } from './whereabouts.ts';

// After it came back: long enough for its end to be stored and for what waits for it to be given out.
const HELD_MS = 30_000;

/** Tells its end once; nothing is told when the signal aborts first: then it goes on there. Never rejects. */
export async function finishLease(
  name: string,
  ports: RemoteBuilderPorts,
  whereabouts: Whereabouts,
  lease: RemoteLease,
  signal: AbortSignal,
): Promise<void> {
  const { leaseId, observer } = lease;
  await Promise.race([lease.given, lease.judged, aborted(signal)]);
  const logging = lease.isGiven ? followToEnd(name, ports, whereabouts, lease, signal) : Promise.resolve();
  const judged = await Promise.race([lease.judged, aborted(signal)]);
  await logging;
  const ending =
    judged === undefined
      ? undefined
      : await bringBack(name, ports, whereabouts, { lease, ending: judged.ending }, signal);
  if (ending === undefined) {
    return;
  }
  if ('reason' in ending && judged?.logLines === null) {
    // What the agent says stands in its log already.
    observer.lines(leaseId, [note(ending.reason)]);
  }
  observer.ended(leaseId, ending);
  if (lease.isGiven) {
    ports.send({ type: 'release', lease: leaseId });
  }
}

async function followToEnd(
  name: string,
  ports: RemoteBuilderPorts,
  whereabouts: Whereabouts,
  lease: RemoteLease,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  // Lost or cancelled here: what there is of the log is all that comes.
  void lease.judged.then(({ logLines }) => logLines === null && over.abort());
  const until = AbortSignal.any([signal, over.signal]);
  try {
    await followLog(ports, name, lease, whereabouts, until);
  } catch (error) {
    if (!until.aborted) {
      const reason = messageOf(error);
      ports.log.warn({ leaseId: lease.leaseId, reason }, 'the end of a log was not fetched');
      lease.observer.lines(lease.leaseId, [
        note(`The rest of the log could not be fetched from ${name}: ${reason}`),
      ]);
    }
  }
}

/** What was made is here before anybody hears that it was. Undefined when we stop first. */
async function bringBack(
  name: string,
  ports: RemoteBuilderPorts,
  whereabouts: Whereabouts,
  { lease, ending }: { readonly lease: RemoteLease; readonly ending: BuildEnding },
  signal: AbortSignal,
): Promise<BuildEnding | undefined> {
  const { leaseId, drvPath, observer, covered } = lease;
  if (ending.kind !== 'built' && ending.kind !== 'substituted') {
    return ending;
  }
  observer.carrying(leaseId, 'pull');
  const from = ports.clock.now();
  const until = AbortSignal.any([signal, lease.unwanted]);
  try {
    const outputs = await knownOutputs(ports.derivations, drvPath);
    const pulled = await showTransfer(ports, 'pull', [lease], (onProgress) =>
      whereabouts.persist('a pull', until, () =>
        ports.courier.pull({ builder: name, drvPath, outputs, covered }, onProgress, until),
      ),
    );
    observer.carried(leaseId, 'pull', { bytes: pulled.bytes, tookMs: ports.clock.now() - from });
    // Roots of those who want it were there before; a shared dependency is held until it had time to be used.
    setTimeout(() => pulled.release(), HELD_MS).unref();
    return ending;
  } catch (error) {
    if (signal.aborted) {
      return undefined;
    }
    return lease.abandoned ?? endingOf(error, `It could not be fetched from ${name}`);
  }
}

function note(text: string): { readonly derivation: string; readonly phase: string; readonly text: string } {
  return { derivation: '', phase: '', text };
}
