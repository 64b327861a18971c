import { jobLogPath, jobPath, repositoryPath } from '@argunix/shared/control-api/paths';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRepositoryPath } from './repository-path.ts';

const attr = fc.string({ unit: 'binary', minLength: 1 }).filter((text) => text !== '.' && text !== '..');
const segment = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((text) => !/[/]|^\.{1,2}$/u.test(text) && text !== 'eval');
const repository = fc.record({
  forge: segment,
  slug: fc.array(segment, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/')),
});

test('whatever an attribute holds, its path leads back to it', () => {
  fc.assert(
    fc.property(repository, attr, fc.integer({ min: 1, max: 1e9 }), (repo, name, evaluationId) => {
      const expected = { repository: repo, evaluationId, attr: name.toWellFormed() };

      expect(parseRepositoryPath(jobPath(repo, evaluationId, name))).toEqual({ kind: 'job', ...expected });
      expect(parseRepositoryPath(jobLogPath(repo, evaluationId, name))).toEqual({ kind: 'log', ...expected });
      expect(parseRepositoryPath(repositoryPath(repo))).toEqual({ kind: 'repository', repository: repo });
    }),
  );
});

test('an attribute that ends in /log is not the log of another', () => {
  expect(parseRepositoryPath('/r/here/a/b/eval/1/job/x%2Flog')).toMatchObject({ kind: 'job', attr: 'x/log' });
});

test.each([
  '/r/here',
  '/r/here/only',
  '/r/here/a//b',
  '/r/here/a%2Fb/c',
  '/r/here/a/b/eval',
  '/r/here/a/b/eval/0',
  '/r/here/a/b/eval/01',
  '/r/here/a/b/eval/1e3',
  '/r/here/a/b/eval/1/job',
  '/r/here/a/b/eval/1/job/x/other',
  '/r/here/a/b/eval/1/job/x/log/more',
  '/r/here/a/%zz',
])('%s is nothing', (path) => {
  expect(parseRepositoryPath(path)).toBeUndefined();
});
