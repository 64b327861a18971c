import { attributePath } from '@argunix/shared/domain/attribute-path';
import { sizeText } from '@argunix/shared/domain/size-text';
import type { AttributeSegments } from './attribute-order.ts';

/** The sentence about an attribute, or about the flake before any, that needed more memory than allowed. */
export function tooLargeText(memoryBytes: number, path: AttributeSegments | null): string {
  return `${path === null ? 'The flake' : attributePath(path)} needed more than the ${sizeText(memoryBytes)} of memory that its evaluation may use.`;
}
