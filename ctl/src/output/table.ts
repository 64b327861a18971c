import { styleText } from 'node:util';
import { terminalText } from '@argunix/shared/terminal/text';
import { cutToWidth, padToWidth, widthOf } from '@argunix/shared/terminal/width';

type Look = 'good' | 'bad' | 'busy' | 'plain';

export interface Cell {
  readonly text: string;
  readonly look: Look;
}

export interface Column<Row> {
  readonly title: string;
  /** The cell may be the text of a stranger: it is made safe here. */
  readonly cell: (row: Row) => string | Cell;
}

const COLOURS = { good: 'green', bad: 'red', busy: 'cyan', plain: 'reset' } as const;
const GAP = '  ';

export interface TableLimits {
  /** Undefined where nobody looks: nothing is cut and nothing is coloured. */
  readonly widthColumns: number | undefined;
}

/** Columns as wide as what they hold; where a terminal is narrower, the last one is cut. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  limits: TableLimits,
): string {
  const cells = rows.map((row) => columns.map(({ cell }) => toCell(cell(row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => widthOf(row[index]?.text ?? ''))),
  );
  const head = columns.map(({ title }): Cell => ({ text: title, look: 'plain' }));
  return [head, ...cells].map((row) => formatRow(row, widths, limits)).join('');
}

function formatRow(row: readonly Cell[], widths: readonly number[], { widthColumns }: TableLimits): string {
  let left = widthColumns ?? Number.POSITIVE_INFINITY;
  const parts = row.map(({ text, look }, index) => {
    const isLast = index === row.length - 1;
    const width = Math.min(isLast ? widthOf(text) : (widths[index] ?? 0), Math.max(left, 0));
    left -= width + GAP.length;
    const shown = cutToWidth(text, width);
    const padding = padToWidth(shown, isLast ? 0 : width).slice(shown.length);
    return (
      (widthColumns === undefined || look === 'plain' ? shown : styleText(COLOURS[look], shown)) + padding
    );
  });
  return `${parts.join(GAP).trimEnd()}\n`;
}

function toCell(cell: string | Cell): Cell {
  const { text, look } = typeof cell === 'string' ? { text: cell, look: 'plain' as const } : cell;
  return { text: terminalText(text), look };
}
