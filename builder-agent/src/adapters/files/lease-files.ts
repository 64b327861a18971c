/**
 * `leases/<id>/` has `request.json`, then `log.ndjson` while it builds, then `ending.json`. A directory without a
 * request that can be read is one that was never begun: it goes.
 */
import { mkdir, open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { toEpochMs } from '@argunix/shared/domain/epoch-ms';
import { type LeaseId, toLeaseId } from '@argunix/shared/domain/ids';
import { mapBounded } from '@argunix/shared/nix/map-bounded';
import { fromEnding, toEnding, WireEnding } from '@argunix/shared/protocol/build-ending';
import { Count, WireDerivation, WireLease } from '@argunix/shared/protocol/paths';
import { z } from 'zod';
import type { LeaseEnd, LeaseRequest } from '../../domain/lease.ts';
import type { KeptLease, LeaseFiles } from '../../ports/lease-files.ts';
import { createSpoolFile, keptSpoolFile, type SpoolFile } from './spool-file.ts';
import { writeAtomically } from './write-atomically.ts';

export interface LeaseDirectory extends LeaseFiles {
  /** The log of a lease that is held; undefined where there is none. */
  spool(leaseId: LeaseId): SpoolFile | undefined;
}

const Request = z.object({ lease: WireLease, drv_path: WireDerivation, inputs_owner: z.string() });
const Ending = z.object({ ending: WireEnding, log_lines: Count, at: z.number() });

export function createLeaseDirectory(dir: string): LeaseDirectory {
  const spools = new Map<LeaseId, SpoolFile>();
  const placeOf = (leaseId: LeaseId): string => join(dir, String(leaseId));
  const logOf = (leaseId: LeaseId): string => join(placeOf(leaseId), 'log.ndjson');

  /** There from the beginning: a reader may ask before it has begun. */
  function spoolOf(leaseId: LeaseId): SpoolFile {
    const spool = spools.get(leaseId) ?? createSpoolFile(logOf(leaseId));
    spools.set(leaseId, spool);
    return spool;
  }
  async function readKept(leaseId: LeaseId): Promise<KeptLease | undefined> {
    const request = await readRequest(join(placeOf(leaseId), 'request.json'));
    if (request === undefined) {
      await rm(placeOf(leaseId), { recursive: true, force: true });
      return undefined;
    }
    const { lines, sizeBytes } = await measureLog(logOf(leaseId));
    spools.set(leaseId, keptSpoolFile(logOf(leaseId), sizeBytes, lines));
    const end = await readEnding(join(placeOf(leaseId), 'ending.json'));
    return { request, end: end === undefined ? null : { ...end, logLines: lines }, logLines: lines };
  }
  return {
    spool: (leaseId) => spools.get(leaseId),
    async create({ leaseId, drvPath, inputsOwner }) {
      await mkdir(placeOf(leaseId), { recursive: true, mode: 0o700 });
      const request = { lease: leaseId, drv_path: drvPath, inputs_owner: inputsOwner };
      await writeAtomically(join(placeOf(leaseId), 'request.json'), JSON.stringify(request));
      spoolOf(leaseId);
    },
    openSpool(leaseId, onTrouble) {
      const spool = spoolOf(leaseId);
      spool.onTrouble(onTrouble);
      return spool;
    },
    async writeEnd(leaseId, { ending, logLines, at }) {
      const text = JSON.stringify({ ending: fromEnding(ending), log_lines: logLines, at });
      await writeAtomically(join(placeOf(leaseId), 'ending.json'), text);
    },
    async remove(leaseId) {
      spools.delete(leaseId);
      await rm(placeOf(leaseId), { recursive: true, force: true });
    },
    async readAll() {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      const found: KeptLease[] = [];
      const ids = (await readdir(dir)).filter((name) => /^[1-9]\d{0,15}$/.test(name));
      await mapBounded(ids, async (name) => {
        const kept = await readKept(toLeaseId(Number(name)));
        if (kept !== undefined) {
          found.push(kept);
        }
      });
      return found.toSorted((one, other) => one.request.leaseId - other.request.leaseId);
    },
  };
}

async function readRequest(path: string): Promise<LeaseRequest | undefined> {
  const parsed = Request.safeParse(await readJson(path));
  return parsed.success
    ? { leaseId: parsed.data.lease, drvPath: parsed.data.drv_path, inputsOwner: parsed.data.inputs_owner }
    : undefined;
}

async function readEnding(path: string): Promise<LeaseEnd | undefined> {
  const parsed = Ending.safeParse(await readJson(path));
  return parsed.success
    ? {
        ending: toEnding(parsed.data.ending),
        logLines: parsed.data.log_lines,
        at: toEpochMs(parsed.data.at),
      }
    : undefined;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    // Missing, or cut off by a power loss: as if it had never been written.
    return undefined;
  }
}

/** A last line that was cut off is none. */
async function measureLog(path: string): Promise<{ readonly lines: number; readonly sizeBytes: number }> {
  const piece = Buffer.allocUnsafe(256 * 1024);
  let lines = 0;
  let sizeBytes = 0;
  let at = 0;
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) {
    return { lines, sizeBytes };
  }
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) {
        break;
      }
      for (let end = piece.indexOf(0x0a); end !== -1 && end < bytesRead; end = piece.indexOf(0x0a, end + 1)) {
        lines += 1;
        sizeBytes = at + end + 1;
      }
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
  if (at > sizeBytes) {
    await truncate(path, sizeBytes);
  }
  return { lines, sizeBytes };
}
