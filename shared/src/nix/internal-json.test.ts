import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ACTIVITY, createNixLogParser, type NixEvent, RESULT } from './internal-json.ts';

function parse(chunks: readonly (string | Uint8Array)[]): readonly NixEvent[] {
  const events: NixEvent[] = [];
  const parser = createNixLogParser((event) => events.push(event));
  for (const chunk of chunks) {
    parser.write(Buffer.from(chunk));
  }
  parser.end();
  return events;
}

// As 2.8 and 2.26 write them.
const SAMPLE = [
  '@nix {"action":"start","id":69986492088320,"level":6,"text":"querying info about missing paths","type":0}',
  '@nix {"action":"start","fields":["/nix/store/fwcfd1axgv02nrib7xcjv0cwrqx01ak9-ok.drv","",1,1],"id":19881403613189,"level":3,"parent":0,"text":"building","type":105}',
  '@nix {"action":"result","fields":["buildPhase"],"id":19881403613189,"type":104}',
  '@nix {"action":"result","fields":["hé\\u001b[1m\\u0000"],"id":19881403613189,"type":101}',
  '@nix {"action":"result","fields":[1,2,0,0],"id":19881403613186,"type":105}',
  '@nix {"action":"stop","id":19881403613189}',
  '@nix {"action":"msg","column":null,"file":null,"level":0,"line":null,"msg":"\\u001b[31;1merror:\\u001b[0m no","raw_msg":"no"}',
  '@nix {"action":"later","id":1}',
  'warning: something else wrote here',
  '@nix {"action":',
  '',
].join('\n');

const EVENTS: readonly NixEvent[] = [
  {
    kind: 'start',
    id: '69986492088320',
    activity: 0,
    text: 'querying info about missing paths',
    fields: [],
  },
  {
    kind: 'start',
    id: '19881403613189',
    activity: ACTIVITY.build,
    text: 'building',
    fields: ['/nix/store/fwcfd1axgv02nrib7xcjv0cwrqx01ak9-ok.drv', '', 1, 1],
  },
  { kind: 'result', id: '19881403613189', result: RESULT.setPhase, fields: ['buildPhase'] },
  { kind: 'result', id: '19881403613189', result: RESULT.buildLogLine, fields: ['hé\u001b[1m\u0000'] },
  { kind: 'result', id: '19881403613186', result: RESULT.progress, fields: [1, 2, 0, 0] },
  { kind: 'stop', id: '19881403613189' },
  { kind: 'message', level: 0, text: '\u001b[31;1merror:\u001b[0m no' },
  { kind: 'line', text: 'warning: something else wrote here' },
  { kind: 'line', text: '@nix {"action":' },
];

test('what Nix writes is told, what is unknown is left out, what is not of the format is a line', () => {
  expect(parse([SAMPLE])).toEqual(EVENTS);
});

test('how the bytes are cut makes no difference', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 40 }), (sizes) => {
      const bytes = Buffer.from(SAMPLE);
      const chunks: Buffer[] = [];
      for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        chunks.push(bytes.subarray(from, from + size));
        from += size;
      }

      expect(parse(chunks)).toEqual(EVENTS);
    }),
  );
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }),
          fc.json().map((json) => Buffer.from(`@nix ${json}\n`)),
          fc
            .record({
              action: fc.constantFrom('start', 'stop', 'result', 'msg', 'other'),
              id: fc.anything(),
              type: fc.anything(),
              fields: fc.anything(),
              msg: fc.anything(),
              level: fc.anything(),
            })
            .map((object) => Buffer.from(`@nix ${fc.stringify(object)}\n`)),
        ),
        { maxLength: 10 },
      ),
      (chunks) => {
        expect(parse(chunks)).toBeInstanceOf(Array);
      },
    ),
  );
});

test('ids that a double cannot hold stay apart', () => {
  const events = parse([
    '@nix {"action":"stop","id":18014398509481985}\n@nix {"action":"result","fields":[",\\"id\\":7"],"id":18014398509481984,"type":101}\n',
  ]);

  expect(events).toMatchObject([{ id: '18014398509481985' }, { id: '18014398509481984' }]);
});

test('a log line without end keeps its beginning and its owner, in bounded memory', () => {
  const events: NixEvent[] = [];
  const parser = createNixLogParser((event) => events.push(event));
  const chunk = Buffer.alloc(1024 * 1024, 'a');
  parser.write(Buffer.from('@nix {"action":"result","fields":["begin'));
  const before = process.memoryUsage().arrayBuffers;
  for (let megabytes = 0; megabytes < 200; megabytes += 1) {
    parser.write(chunk);
  }
  const held = process.memoryUsage().arrayBuffers - before;
  parser.write(Buffer.from('end"],"id":42,"type":101}\n@nix {"action":"stop","id":42}\n'));

  const [line] = events;
  expect(line).toMatchObject({ kind: 'result', id: '42', result: RESULT.buildLogLine });
  const text = line?.kind === 'result' ? String(line.fields[0]) : '';
  expect(text).toMatch(/^beginaaa/);
  expect(text).toMatch(/aaa … \(\d+ bytes of this line left out\)$/);
  expect(text.length).toBeLessThan(1_100_000);
  expect(held).toBeLessThan(50 * 1024 * 1024);
  expect(events[1]).toEqual({ kind: 'stop', id: '42' });
});

test('an overlong line that is not of the format, and an overlong message, are cut too', () => {
  const [line, message] = parse([
    `${'x'.repeat(3_000_000)}\n`,
    `@nix {"action":"msg","level":0,"msg":"${String.raw`\u00e9`.repeat(500_000)}"}\n`,
  ]);

  expect(line).toMatchObject({ kind: 'line' });
  expect(line?.kind === 'line' && line.text.endsWith('bytes of this line left out)')).toBe(true);
  expect(message).toMatchObject({ kind: 'message', level: 0 });
  expect(message?.kind === 'message' && message.text.startsWith('éééé')).toBe(true);
});
