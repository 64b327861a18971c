/** A store takes a path only after all that it refers to. */
import type { PathInfo } from './path-info.ts';

/** Those that refer to each other in a circle cannot be ordered: then undefined. */
export function orderByReferences(infos: ReadonlyMap<string, PathInfo>): readonly PathInfo[] | undefined {
  const ordered: PathInfo[] = [];
  const entered = new Set<string>();
  const left = new Set<string>();
  for (const start of infos.values()) {
    // A stack of our own: a chain of references can be deeper than the call stack.
    const stack: { readonly info: PathInfo; readonly rest: Iterator<string> }[] = [];
    function enter(info: PathInfo): void {
      entered.add(info.path);
      stack.push({ info, rest: info.references.values() });
    }
    if (!entered.has(start.path)) {
      enter(start);
    }
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.rest.next();
      if (next.done === true) {
        left.add(top.info.path);
        ordered.push(top.info);
        stack.pop();
        continue;
      }
      const info = infos.get(next.value);
      if (info === undefined || info === top.info || left.has(info.path)) {
        continue;
      }
      if (entered.has(info.path)) {
        return undefined;
      }
      enter(info);
    }
  }
  return ordered;
}
