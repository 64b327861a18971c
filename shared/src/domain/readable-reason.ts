/** What Nix said of a build that did not go well, as people call things: names instead of store paths. */
import { storePathName } from './store-path.ts';

const DRV = String.raw`'(?<drv>/nix/store/[^\s']+\.drv)'`;
const BUILDER_FAILED = [
  new RegExp(String.raw`^builder for ${DRV} (?<how>failed [^\n]+?)[.;]?$`),
  new RegExp(
    String.raw`^Cannot build ${DRV}\.\s+Reason: builder (?<how>failed [^\n]+?)\.?(?:\nOutput paths:[\s\S]*)?$`,
  ),
];
const UNSUPPORTED = [
  new RegExp(
    String.raw`^an? '(?<needs>[^']+)' with features \{(?<wanted>[^}]*)\} is required to build ${DRV}, but I am an? '(?<is>[^']+)' with features \{(?<offered>[^}]*)\}`,
  ),
  new RegExp(
    String.raw`^Cannot build ${DRV}\.\s+Reason: required system or feature not available\s+Required system: '(?<needs>[^']+)' with features \{(?<wanted>[^}]*)\}\s+Current system: '(?<is>[^']+)' with features \{(?<offered>[^}]*)\}`,
  ),
];
const ANY_DRV = new RegExp(DRV, 'g');

/** A sentence of ours where it is one of the usual ones, else Nix's own words with names for derivations. */
export function readableReason(said: string): string {
  for (const pattern of BUILDER_FAILED) {
    const found = pattern.exec(said)?.groups;
    if (found !== undefined) {
      return `The build of ${storePathName(found['drv'] ?? '')} ${found['how']}.`;
    }
  }
  for (const pattern of UNSUPPORTED) {
    const found = pattern.exec(said)?.groups;
    if (found !== undefined) {
      return whatIsMissing(found);
    }
  }
  return said.replaceAll(ANY_DRV, (_quoted, drv: string) => storePathName(drv));
}

function whatIsMissing(found: Readonly<Record<string, string>>): string {
  const { drv = '', needs = '', is = '', wanted = '', offered = '' } = found;
  const has = features(offered);
  const lacks = features(wanted).filter((feature) => !has.includes(feature));
  const name = storePathName(drv);
  if (needs !== is && needs !== 'builtin') {
    return `${name} needs a builder of the system ${needs}; this one is ${is}.`;
  }
  return `${name} needs a builder with ${list('the feature', lacks)}; this one has ${has.length === 0 ? 'none' : has.join(', ')}.`;
}

function features(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((feature) => feature !== '');
}

function list(one: string, names: readonly string[]): string {
  return `${one}${names.length === 1 ? '' : 's'} ${names.join(', ')}`;
}
