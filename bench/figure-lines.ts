import { type Figure, isMet } from './figure.ts';

/** For people: `start-up.script  212 ms  spread 30  target at most 1000  ok`. */
export function toLine(figure: Figure): string {
  const { name, value, unit, spread, target } = figure;
  const goal = target === null ? 'no target' : `target ${target.kind} ${shorten(target.value)}`;
  let verdict = '';
  if (target !== null) {
    verdict = isMet(figure) ? 'ok' : 'MISSED';
  }
  const amount = `${shorten(value)} ${unit}`.trim();
  return `${name.padEnd(32)} ${amount.padStart(14)}   spread ${shorten(spread).padEnd(8)} ${goal.padEnd(24)} ${verdict}`.trimEnd();
}

/** For programs; `ok` says from which side the target binds. */
export function toJsonLine(figure: Figure): string {
  const { name, value, unit, spread, target } = figure;
  return JSON.stringify({ name, value, unit, spread, target: target?.value ?? null, ok: isMet(figure) });
}

/** Three digits are all a measurement on a shared machine has; large counts keep theirs. */
function shorten(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
