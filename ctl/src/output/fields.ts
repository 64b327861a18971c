import type { Printer } from './printer.ts';

/** One thing, a field a line; fields without a value are left out. */
export function printFields(print: Printer, fields: Readonly<Record<string, string | number | null>>): void {
  const given = Object.entries(fields).filter(([, value]) => value !== null && value !== '');
  const width = Math.max(...given.map(([name]) => name.length));
  for (const [name, value] of given) {
    print.sentence(`${`${name}:`.padEnd(width + 1)}  ${value}`);
  }
}
