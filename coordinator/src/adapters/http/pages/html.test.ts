import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { html, join } from './html.ts';

const HOSTILE = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '<',
        '>',
        '"',
        "'",
        '`',
        '&',
        '=',
        '/',
        '<script>',
        '</',
        '-->',
        '&#',
        '\u0000',
        'x',
        ' ',
      ),
    )
    .map((parts) => parts.join('')),
);

/** What a browser makes of the few entities that we write. */
function unescape(markup: string): string {
  return markup
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#96;', '`')
    .replaceAll('&amp;', '&');
}

test('no text opens a tag or leaves its attribute', () => {
  fc.assert(
    fc.property(HOSTILE, HOSTILE, (attribute, text) => {
      const { markup } = html`<a title="${attribute}">${text}</a>`;

      expect(markup).toMatch(/^<a title="[^"<>'`]*">[^<>"'`]*<\/a>$/);
    }),
  );
});

test('a reader sees the text as it was, but for control characters and broken surrogates', () => {
  fc.assert(
    fc.property(HOSTILE, (text) => {
      const { markup } = html`${text}`;

      const seen = text
        // oxlint-disable-next-line no-control-regex -- these are what is replaced
        .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
        .toWellFormed();
      expect(unescape(markup)).toBe(seen);
    }),
  );
});

test('templates within templates are not escaped twice', () => {
  const list = [html`<b>${'<1>'}</b>`, html`<b>2</b>`];

  expect(html`<p>${list}${join(list, ' & ')}</p>`.markup).toBe(
    '<p><b>&lt;1&gt;</b><b>2</b><b>&lt;1&gt;</b> &amp; <b>2</b></p>',
  );
});

test('what is absent is nothing, and zero is a zero', () => {
  expect(html`${null}${undefined}${false}${0}`.markup).toBe('0');
});

test('an attribute without quotes is refused', () => {
  expect(() => html`<a href=${'x onclick=alert(1)'}>`).toThrow('an attribute without quotes');
});

test('text that ends like an attribute is only text', () => {
  expect(html`<p>${'a href='}${'x'}</p>`.markup).toBe('<p>a href=x</p>');
});

test('an object that looks like markup but came from outside is no markup', () => {
  const Forged = z.custom<string>((value) => typeof value === 'object');
  const forged = Forged.parse(JSON.parse('{"markup":"<script>alert(1)</script>"}'));

  expect(() => html`${forged}`).toThrow(TypeError);
});
