/**
 * What a builder tells about outputs it made, before a byte of them is taken: the builder may lie. Of what it tells only
 * the size, the hash and the references are used, and those are checked: here, and by our own Nix, which computes hash
 * and size anew. Who made it and what its content address is, the derivation says. Its signatures are nothing to us.
 */
import { parseStorePath } from '@argunix/shared/domain/store-path';
import type { KnownOutput } from './derivation-facts.ts';
import type { PathInfo } from './path-info.ts';

export interface ReturnedOutput extends KnownOutput {
  readonly drvPath: string;
}

export type ReturnedVerdict =
  | { readonly kind: 'fine'; readonly info: PathInfo }
  | { readonly kind: 'refused'; readonly reason: string };

const NAR_HASH = /^sha256:(?:[0-9a-df-np-sv-z]{52}|[0-9a-f]{64})$/;

export function judgeReturned(
  told: PathInfo,
  output: ReturnedOutput,
  mayRefer: (path: string) => boolean,
  maxNarBytes: number,
): ReturnedVerdict {
  if (!NAR_HASH.test(told.narHash)) {
    return refuse(told, `expected a sha256 hash of it, got ${JSON.stringify(told.narHash)}`);
  }
  if (told.narSize < 1 || told.narSize > maxNarBytes) {
    return refuse(told, `expected a size of at most ${maxNarBytes} bytes, got ${told.narSize}`);
  }
  if (output.ca !== '' && told.references.length > 0) {
    return refuse(
      told,
      `it is known by its hash and may refer to nothing, but refers to ${told.references[0]}`,
    );
  }
  for (const reference of told.references) {
    if (parseStorePath(reference) === undefined) {
      return refuse(told, `it refers to ${JSON.stringify(reference)}, which is no store path`);
    }
    if (!mayRefer(reference)) {
      return refuse(told, `it refers to ${reference}, which ${output.drvPath} has no way to know`);
    }
  }
  const { path, references, narSize, narHash } = told;
  return {
    kind: 'fine',
    info: {
      path,
      references: [...new Set(references)],
      narSize,
      narHash,
      deriver: output.drvPath,
      ca: output.ca,
      signatures: [],
    },
  };
}

function refuse({ path }: PathInfo, why: string): ReturnedVerdict {
  return { kind: 'refused', reason: `the builder offers ${path}: ${why}` };
}
