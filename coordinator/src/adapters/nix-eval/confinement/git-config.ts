/**
 * What git is told inside, which is how Nix fetches: to read the inputs that were fetched beforehand from their mirrors.
 * git compares beginnings of URLs, and the longest that fits wins. So every URL that only begins like that of an input
 * is told to stay what it is: `owner/private-docs` is not the mirror of `owner/private`.
 */
import type { FetchedRepository } from '../../../ports/evaluator.ts';

// The source belongs to whoever made the checkout; git would refuse to read it as nobody.
const ALWAYS = '[safe]\n\tdirectory = *\n[protocol "ext"]\n\tallow = never\n';
// Of submodules too: what is on this disk and seen inside is meant to be read.
const WITH_INPUTS = '[protocol "file"]\n\tallow = always\n';
// All that can stand in a name; behind a slash, `?` and `#` it is another place in the same repository.
const NAME_CHARACTERS = Array.from({ length: 94 }, (_, i) => String.fromCodePoint(33 + i)).filter(
  (one) => !'/?#'.includes(one),
);

export function gitConfig(inputs: readonly FetchedRepository[]): string {
  const rules = inputs.flatMap(({ mirrorDir, urls }) =>
    urls.flatMap((url) => [
      rule(mirrorDir, url),
      ...NAME_CHARACTERS.map((one) => url + one)
        .filter((longer) => !urls.includes(longer))
        .map((longer) => rule(longer, longer)),
    ]),
  );
  return [ALWAYS, ...(inputs.length === 0 ? [] : [WITH_INPUTS]), ...new Set(rules)].join('');
}

function rule(to: string, from: string): string {
  return `[url ${quoted(to)}]\n\tinsteadOf = ${quoted(from)}\n`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
