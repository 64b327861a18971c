/**
 * Records the graph that `makespan` builds: `node bench/record-dependencies.ts < Packages > bench/dependencies.json`, where
 * Packages is the index of a Debian release (`apt-cache dumpavail`). From a few large collections downwards it takes the
 * first 5,000 packages that Depends and Recommends reach, breadth first, and what they need is their Depends; the first
 * alternative counts. Circles are broken by
 * dropping what points backwards in a walk by name. Nobody tells there how long a build takes: it is made up from the
 * installed size, which is as heavy-tailed, so that the median is some seconds and the longest take most of an hour.
 */
import { text } from 'node:stream/consumers';

const ROOTS = ['task-gnome-desktop', 'kde-full', 'texlive-full', 'build-essential', 'gnome'];
const MORE_ROOTS = /^(?:science|education|games|med)-/;
const PACKAGES = 5_000;

interface Package {
  readonly sizeKb: number;
  readonly needs: readonly string[];
  readonly wants: readonly string[];
}

function parsePackages(index: string): ReadonlyMap<string, Package> {
  const packages = new Map<string, Package>();
  for (const paragraph of index.split('\n\n')) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
    const depends = [field('Pre-Depends'), field('Depends')].filter((list) => list !== '').join(', ');
    packages.set(field('Package'), {
      sizeKb: Number(field('Installed-Size')),
      needs: namesIn(depends),
      wants: namesIn(field('Recommends')),
    });
  }
  return packages;
}

function namesIn(relations: string): readonly string[] {
  return relations.split(', ').map((one) => one.split(/[ :|(]/)[0] ?? '');
}

function reachable(packages: ReadonlyMap<string, Package>): ReadonlySet<string> {
  const found = new Set([...ROOTS, ...[...packages.keys()].filter((name) => MORE_ROOTS.test(name))]);
  for (const name of found) {
    const { needs = [], wants = [] } = packages.get(name) ?? {};
    for (const need of [...needs, ...wants]) {
      if (found.size < PACKAGES && packages.has(need)) {
        found.add(need);
      }
    }
  }
  return found;
}

/** Each after all that it needs. */
function inOrder(
  names: ReadonlySet<string>,
  packages: ReadonlyMap<string, Package>,
): readonly (readonly [name: string, needs: readonly string[]])[] {
  const order: (readonly [string, readonly string[]])[] = [];
  const isDone = new Map<string, boolean>();
  function visit(name: string): void {
    isDone.set(name, false);
    const needs = [...new Set(packages.get(name)?.needs)].filter((need) => names.has(need)).toSorted();
    const forward = needs.filter((need) => {
      if (!isDone.has(need)) {
        visit(need);
      }
      return isDone.get(need);
    });
    isDone.set(name, true);
    order.push([name, forward]);
  }
  for (const name of [...names].toSorted()) {
    if (!isDone.has(name)) {
      visit(name);
    }
  }
  return order;
}

const packages = parsePackages(await text(process.stdin));
const order = inOrder(reachable(packages), packages);
const numbers = new Map(order.map(([name], at) => [name, at]));
const rows = order.map(([name, needs]) => {
  const seconds = Math.min(3_000, Math.max(1, Math.round((packages.get(name)?.sizeKb ?? 0) / 100)));
  return JSON.stringify([seconds, ...needs.map((need) => numbers.get(need))]);
});
process.stdout.write(`[\n${rows.join(',\n')}\n]\n`);
