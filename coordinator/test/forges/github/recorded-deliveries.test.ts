import { describe, expect, it } from 'vitest';
import { gitHubDialect } from '../../../src/adapters/forge/github/dialect.ts';
import { judgeParsed } from '../contract/judge-parsed.ts';
import { headersOf } from './delivery-cases.ts';
import { allRecorded } from './recorded.ts';

const USED = new Set([
  ...['push', 'pull_request', 'check_run', 'check_suite'],
  ...['installation', 'installation_repositories'],
]);

describe.each(['api.github.com', 'ghes-31', 'ghes-32', 'ghes-33', 'ghes-34', 'ghes-35'])(
  'every delivery that was recorded of %s',
  (of) => {
    it('is understood, and nothing that is not used does anything', () => {
      const read = allRecorded(of).flatMap(({ name, examples }) =>
        examples.map((payload) => {
          const body = Buffer.from(JSON.stringify(payload));
          return { name, action: payload['action'], parsed: gitHubDialect.parse(headersOf(name), body) };
        }),
      );

      const odd = read.filter(
        ({ name, parsed }) =>
          parsed.kind === 'malformed' ||
          judgeParsed(parsed).length > 0 ||
          (parsed.event.kind !== 'ignored' && !USED.has(name)),
      );
      expect(read.length).toBeGreaterThan(40);
      expect(odd).toEqual([]);
    });
  },
);
