/** What was ever said by a released version parses for ever: these files are added to and never changed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fromEnding, toEnding, WireEnding } from './build-ending.ts';
import { AgentFrame, CoordinatorFrame, frameLine, parseLine } from './frame.ts';
import { mayComeAgain } from './hello.ts';
import { parseLogLine } from './log-stream.ts';

function linesOf(name: string): readonly string[] {
  return readFileSync(join(import.meta.dirname, 'samples/v1', name), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

describe('version 1', () => {
  test.each(linesOf('agent.ndjson'))('an agent said %s', (line) => {
    const parsed = parseLine(AgentFrame, line);

    expect(parsed.kind === 'frame' ? '' : parsed.reason).toBe('');
    expect(parsed.kind === 'frame' && JSON.parse(frameLine(parsed.frame))).toMatchObject(JSON.parse(line));
  });
  test.each(linesOf('coordinator.ndjson'))('a coordinator said %s', (line) => {
    const parsed = parseLine(CoordinatorFrame, line);

    expect(parsed.kind === 'frame' ? '' : parsed.reason).toBe('');
    expect(parsed.kind === 'frame' && JSON.parse(frameLine(parsed.frame))).toMatchObject(JSON.parse(line));
  });
  test('a log', () => {
    expect(linesOf('log.ndjson').map(parseLogLine)).toEqual([
      { derivation: 'hello-1.0', phase: 'buildPhase', text: 'make: nothing to be done' },
      { derivation: '', phase: '', text: 'a line of Nix itself' },
      { end: 2 },
    ]);
  });
});

test('endings come back as they were', () => {
  const endings = linesOf('agent.ndjson').flatMap((line) => {
    const parsed = parseLine(AgentFrame, line);
    return parsed.kind === 'frame' && 'm' in parsed.frame && parsed.frame.m.type === 'ended'
      ? [parsed.frame.m.ending]
      : [];
  });

  expect(endings).toHaveLength(11);
  for (const ending of endings) {
    expect(fromEnding(toEnding(ending))).toEqual(ending);
  }
  expect(WireEnding.parse(fromEnding({ kind: 'timed_out', reason: 'x'.repeat(1_000_000) }))).toMatchObject({
    kind: 'timed_out',
    reason: 'x'.repeat(20_000),
  });
});

test.each([
  ['', 'a line that is no JSON', null],
  ['{', 'a line that is no JSON', null],
  ['null', 'Invalid input', null],
  ['{"n":-1,"a":0,"m":{"type":"rooted","batch":1}}', 'at n', null],
  ['{"n":5,"a":0,"m":{"type":"of a later version"}}', 'm.type', 5],
  ['{"n":5,"a":0,"m":{"type":"started","lease":"1"}}', 'Invalid input', 5],
  ['{"n":5,"a":0,"m":{"type":"started","lease":0}}', 'm.lease', 5],
  ['{"n":1e999,"a":0,"m":{"type":"rooted","batch":1}}', 'at n', null],
  ['{"beat":{"at":"now","back":null}}', 'Invalid input', null],
  ['{"a":1,"beat":{"at":1,"back":null}}', 'Invalid input', null],
  ['{"__proto__":{"a":1}}', 'Invalid input', null],
])('%s is not taken for a frame', (line, reason, number) => {
  const parsed = parseLine(AgentFrame, line);

  expect(parsed).toMatchObject({ kind: 'unknown', number });
  expect(parsed.kind === 'unknown' && parsed.reason).toContain(reason);
});

test.each([
  '{"n":1,"a":0,"m":{"type":"build","batch":1,"slots":1,"timeout_ms":1,"max_silent_ms":1,"max_log_bytes":1,"requests":[{"lease":1,"drv_path":"/nix/store/../etc/passwd.drv","outputs":[]}],"inputs":[]}}',
  '{"n":1,"a":0,"m":{"type":"substitute","id":1,"paths":["--option"]}}',
  '{"n":1,"a":0,"m":{"type":"open","channel":"1;reboot","use":{"kind":"store","compression":"none"}}}',
])('an agent does not take %s', (line) => {
  expect(parseLine(CoordinatorFrame, line)).toMatchObject({ kind: 'unknown', number: 1 });
});

test('a refusal that is not known is one to come back after', () => {
  expect(
    ['revoked', 'displaced', 'busy', 'of a later version'].map((code) => mayComeAgain({ code, reason: '' })),
  ).toEqual([false, false, true, true]);
});
