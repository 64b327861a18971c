/** Whether every evaluation can ever have the memory that it may use: what does not fit the budget would wait for ever. */
import { sizeText } from '@argunix/shared/domain/size-text';
import { parseByteSize } from './byte-size.ts';
import { entriesOf, valueAt } from './lenient.ts';
import type { KeyPath, Remark } from './problem.ts';
import { EvaluationSection } from './schema/evaluation.ts';
import { ScheduleSection } from './schema/schedule.ts';

/** Nothing is said of values that are none: whoever checks the schema says it. */
export function judgeMemoryBudget(document: unknown): readonly Remark[] {
  const memoryMax = sizeAt(document, ['eval', 'memory_max'], EvaluationSection.parse({}).memory_max);
  const concurrency =
    valueAt(document, ['schedule', 'eval_concurrency']) ?? ScheduleSection.parse({}).eval_concurrency;
  const budget = sizeAt(document, ['eval', 'memory_budget'], Number(concurrency) * memoryMax);
  const whose =
    valueAt(document, ['eval', 'memory_budget']) === undefined
      ? 'schedule.eval_concurrency times eval.memory_max; eval.memory_budget allows more'
      : 'as eval.memory_budget says';
  const places = [
    ['eval', 'memory_max'],
    ...entriesOf(document, ['forges']).flatMap(([forge]) =>
      entriesOf(document, ['forges', forge, 'repos']).map(([slug]) => [
        ...['forges', forge, 'repos', slug, 'eval', 'memory_max'],
      ]),
    ),
  ];
  return places.flatMap((path) =>
    sizeAt(document, path, 0) > budget
      ? [
          {
            path,
            message: `expected at most the ${sizeText(budget)} that all evaluations have together (${whose}), got ${JSON.stringify(valueAt(document, path))}`,
          },
        ]
      : [],
  );
}

function sizeAt(document: unknown, path: KeyPath, unsaid: number): number {
  const value = valueAt(document, path);
  if (value === undefined) {
    return unsaid;
  }
  return typeof value === 'string' || typeof value === 'number'
    ? (parseByteSize(String(value)) ?? Number.NaN)
    : Number.NaN;
}
