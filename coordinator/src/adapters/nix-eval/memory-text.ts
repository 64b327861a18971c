import { attributePath } from '@argunix/shared/domain/attribute-path';
import type { AttributeSegments } from './attribute-order.ts';

const MIB = 1_024 * 1_024;

/** The sentence about an attribute, or about the flake before any, that needed more memory than allowed. */
export function tooLargeText(memoryBytes: number, path: AttributeSegments | null): string {
  return `${path === null ? 'The flake' : attributePath(path)} needed more than the ${sizeText(memoryBytes)} that eval.memory_max allows.`;
}

function sizeText(bytes: number): string {
  const mib = bytes / MIB;
  return mib >= 1_024 ? `${rounded(mib / 1_024)} GiB` : `${rounded(mib)} MiB`;
}

function rounded(value: number): string {
  return String(Number(value.toFixed(1)));
}
