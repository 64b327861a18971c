import { describe, expect, it } from 'vitest';
import { parseCheckHandle, writeCheckHandle } from './check-handle.ts';

describe('the external id of a check', () => {
  it.each([
    [{ evaluationId: 1, jobId: null }, 'evaluation:1'],
    [{ evaluationId: 12, jobId: 34 }, 'evaluation:12:job:34'],
    [{ evaluationId: Number.MAX_SAFE_INTEGER, jobId: 1 }, 'evaluation:9007199254740991:job:1'],
  ])('%j is written and read back', (handle, text) => {
    expect(writeCheckHandle(handle)).toBe(text);
    expect(parseCheckHandle(text)).toEqual(handle);
  });

  it.each([
    '',
    'evaluation:',
    'evaluation:0',
    'evaluation:01',
    'evaluation:1:job:',
    'evaluation:1:job:0',
    'evaluation:-1',
    'evaluation:1.5',
    ' evaluation:1',
    'evaluation:1\n',
    'evaluation:9007199254740993',
    'evaluation:1:job:9007199254740993',
    'somebody:else',
    null,
    undefined,
  ])('%j is not ours', (text) => {
    expect(parseCheckHandle(text)).toBeNull();
  });
});
