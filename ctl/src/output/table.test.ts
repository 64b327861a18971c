import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type Column, formatTable } from './table.ts';

interface Row {
  readonly name: string;
  readonly what: string;
}
const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'WHAT', cell: ({ what }) => ({ text: what, look: 'good' }) },
];

test('columns are as wide as what they hold, wide characters counted twice', () => {
  const rows = [
    { name: '漢字', what: 'x' },
    { name: 'a-long-name', what: 'y' },
  ];

  expect(formatTable(COLUMNS, rows, { widthColumns: undefined })).toBe(
    'NAME         WHAT\n漢字         x\na-long-name  y\n',
  );
});

test('a narrow terminal gets no line that is wider than itself', () => {
  const rows = [{ name: 'a-name', what: 'a sentence that is much too long 漢字漢字' }];

  const lines = stripVTControlCharacters(formatTable(COLUMNS, rows, { widthColumns: 20 }))
    .trimEnd()
    .split('\n');

  expect(lines[1]).toBe('a-name  a sentence …');
});

test('where nobody looks nothing is coloured and nothing is cut', () => {
  const table = formatTable(COLUMNS, [{ name: 'a', what: 'x'.repeat(500) }], { widthColumns: undefined });

  expect(table).toContain('x'.repeat(500));
  expect(table).not.toContain('\u001b');
});

test('a name that would end the line does not', () => {
  expect(
    formatTable(COLUMNS, [{ name: 'a\nb\u001b[2J', what: 'x' }], { widthColumns: undefined }).split('\n'),
  ).toHaveLength(3);
});
