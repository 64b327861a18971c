import { type Html, html } from './pages/html.ts';

export type BadgeState = 'passing' | 'failing' | 'pending' | 'unknown';

// Dark enough for white letters (contrast above 4.5), which the usual greens of badges are not.
const COLOURS: Readonly<Record<BadgeState, string>> = {
  passing: '#1a7f37',
  failing: '#c4302b',
  pending: '#7a5c00',
  unknown: '#5f6670',
};

const LABEL = 'argunix';
const HEIGHT = 20;

export function drawBadge(state: BadgeState): string {
  const labelWidth = widthOf(LABEL);
  const stateWidth = widthOf(state);
  const width = labelWidth + stateWidth;
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${HEIGHT}" role="img" aria-label="${LABEL}: ${state}">
  <title>${LABEL}: ${state}</title>
  <clipPath id="r"><rect width="${width}" height="${HEIGHT}" rx="4"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="${labelWidth}" height="${HEIGHT}" fill="#30363d"/>
    <rect x="${labelWidth}" width="${stateWidth}" height="${HEIGHT}" fill="${COLOURS[state]}"/>
  </g>
  <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
    ${text(0, labelWidth, LABEL)}
    ${text(labelWidth, stateWidth, state)}
  </g>
</svg>
`.markup;
}

function text(at: number, length: number, words: string): Html {
  return html`<text x="${at + length / 2}" y="14" textLength="${length - PADDING}" lengthAdjust="spacingAndGlyphs">${words}</text>`;
}

// Widths of Verdana at 11 px; textLength evens out what another font does.
const NARROW: Readonly<Record<string, number>> = { f: 3.9, i: 3, l: 3, r: 4.7, t: 4.3, s: 5.7 };
const USUAL = 6.8;
const PADDING = 12;

function widthOf(words: string): number {
  const letters = words.split('').reduce((width, letter) => width + (NARROW[letter] ?? USUAL), 0);
  return Math.round(letters) + PADDING;
}
