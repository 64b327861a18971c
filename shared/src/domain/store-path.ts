import type { Brand } from './brand.ts';

/** `/nix/store/<hash>-<name>`; a derivation is one that ends in `.drv`. */
export type StorePath = Brand<string, 'StorePath'>;
export type DerivationPath = Brand<string, 'StorePath'> & { readonly __derivation: true };

const STORE_PATH = /^\/nix\/store\/[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+\-._?=]{1,211}$/;

export function parseStorePath(text: string): StorePath | undefined {
  return STORE_PATH.test(text) ? (text as StorePath) : undefined;
}

export function parseDerivationPath(text: string): DerivationPath | undefined {
  return STORE_PATH.test(text) && text.endsWith('.drv') ? (text as DerivationPath) : undefined;
}

/** The name without directory, hash and `.drv`: what a person calls it. */
export function storePathName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/^[0-9a-df-np-sv-z]{32}-/, '');
  return name.endsWith('.drv') ? name.slice(0, -'.drv'.length) : name;
}
