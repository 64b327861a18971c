import type { Step } from './step.ts';

/**
 * Everything that `roots` need, needs before what needs them. `backward` are needs that close a circle; whoever drops
 * them has an order. Without recursion: closures of real packages are deeper than a call stack.
 */
export function needsFirst(roots: Iterable<Step>): {
  readonly order: readonly Step[];
  readonly backward: readonly (readonly [step: Step, need: Step])[];
} {
  const order: Step[] = [];
  const backward: (readonly [Step, Step])[] = [];
  /** False while it is being looked at. */
  const isDone = new Map<Step, boolean>();
  const stack: { readonly step: Step; readonly rest: Iterator<Step, undefined> }[] = [];
  function enter(step: Step): void {
    isDone.set(step, false);
    stack.push({ step, rest: step.needs.values() });
  }
  for (const root of roots) {
    if (!isDone.has(root)) {
      enter(root);
    }
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const need = top.rest.next().value;
      if (need === undefined) {
        stack.pop();
        isDone.set(top.step, true);
        order.push(top.step);
      } else if (!isDone.has(need)) {
        enter(need);
      } else if (isDone.get(need) === false) {
        backward.push([top.step, need]);
      }
    }
  }
  return { order, backward };
}
