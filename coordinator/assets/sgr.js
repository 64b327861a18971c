// Colours of terminal output (ECMA-48 SGR) as class names, for text that holds no other control sequence. Used by the
// server and by the page alike, so that a line looks the same whoever drew it.

// oxlint-disable-next-line no-control-regex -- an escape is a control character
const SGR = /\u001b\[([0-9;:]*)m/g;
const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];
const ATTRIBUTES = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 9: 'strike' };
const ENDS = { 22: ['bold', 'dim'], 23: ['italic'], 24: ['underline'], 29: ['strike'] };

/** `text` without its colours, in pieces of one look each; `className` is empty for plain text. */
export function splitSgr(text) {
  const pieces = [];
  const look = { on: new Set(), fg: '', bg: '' };
  let at = 0;
  for (const found of text.matchAll(SGR)) {
    addPiece(pieces, text.slice(at, found.index), look);
    at = found.index + found[0].length;
    applySgr(look, found[1]);
  }
  addPiece(pieces, text.slice(at), look);
  return pieces;
}

function addPiece(pieces, text, look) {
  if (text === '') {
    return;
  }
  const className = [...look.on, look.fg, look.bg].filter((name) => name !== '').join(' ');
  const last = pieces.at(-1);
  if (last !== undefined && last.className === className) {
    last.text += text;
  } else {
    pieces.push({ text, className });
  }
}

function applySgr(look, parameters) {
  const codes = parameters.split(/[;:]/).map(Number);
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index];
    if (code === 38 || code === 48) {
      index += applyPalette(look, code === 38 ? 'fg' : 'bg', codes.slice(index + 1));
    } else {
      applyCode(look, code);
    }
  }
}

function applyCode(look, code) {
  if (code === 0) {
    look.on.clear();
    look.fg = '';
    look.bg = '';
  } else if (code in ATTRIBUTES) {
    look.on.add(`sgr-${ATTRIBUTES[code]}`);
  } else if (code in ENDS) {
    for (const name of ENDS[code]) {
      look.on.delete(`sgr-${name}`);
    }
  } else if (code === 39) {
    look.fg = '';
  } else if (code === 49) {
    look.bg = '';
  } else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
    look.fg = `sgr-${COLOURS[code % 10]}`;
  } else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) {
    look.bg = `sgr-bg-${COLOURS[code % 10]}`;
  }
}

/** `5;n` or `2;r;g;b`: the first 16 have names, the rest is left plain. Returns how many codes it took. */
function applyPalette(look, side, [mode, index]) {
  if (mode !== 5) {
    return mode === 2 ? 4 : 1;
  }
  const name = index < 16 ? COLOURS[index % 8] : undefined;
  const prefix = side === 'fg' ? 'sgr-' : 'sgr-bg-';
  look[side] = name === undefined ? '' : prefix + name;
  return 2;
}
