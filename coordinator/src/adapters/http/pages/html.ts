/**
 * The only way text becomes markup. Whatever is put into a template is escaped, for text and for quoted attributes
 * alike, unless it came out of a template itself. No other file makes an Html.
 */
export interface Html {
  readonly markup: string;
  readonly [made]: true;
}

const made: unique symbol = Symbol('html');

export type Insertable = string | number | null | undefined | false | Html | readonly Html[];

export function html(strings: TemplateStringsArray, ...values: readonly Insertable[]): Html {
  let markup = strings[0] ?? '';
  for (const [index, value] of values.entries()) {
    if (/\s[\w:-]+=$/.test(strings[index] ?? '')) {
      throw new Error('html: an attribute without quotes can be broken out of');
    }
    markup += render(value) + (strings[index + 1] ?? '');
  }
  return { markup, [made]: true };
}

/** For lists: `join(items, ', ')`. */
export function join(parts: readonly Html[], separator: string): Html {
  return html`${parts.map((part, index) => (index === 0 ? part : html`${separator}${part}`))}`;
}

function render(value: Insertable): string {
  if (value === null || value === undefined || value === false) {
    return '';
  }
  if (typeof value === 'string' || typeof value === 'number') {
    return escape(String(value));
  }
  return isHtml(value) ? value.markup : value.map((part) => part.markup).join('');
}

function isHtml(value: Html | readonly Html[]): value is Html {
  return made in value;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Control characters have no place in a page (NUL is not even allowed); they show as what they are: replaced. */
function escape(text: string): string {
  return (
    text
      .replaceAll(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '')
      // oxlint-disable-next-line no-control-regex -- control characters are what this takes out
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
      .toWellFormed()
  );
}
