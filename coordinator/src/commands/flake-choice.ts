import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ATTRIBUTE_KINDS, type AttributeKind } from '@argunix/shared/domain/attribute-path';
import { AppError } from '@argunix/shared/kit/app-error';
import { hostSystem } from '../config/host-system.ts';

export interface FlakeChoice {
  readonly reference: string;
  readonly systems: readonly string[];
  readonly attributes: readonly AttributeKind[];
}

/** What a person chose on the command line; throws `usage.invalid` with what was expected. */
export function chooseFlake(
  flake: string,
  { systems, attrs }: { readonly systems?: string; readonly attrs?: string },
): FlakeChoice {
  return {
    // A directory is meant as such, whatever it is called; anything else is for Nix to understand.
    reference: existsSync(flake) ? resolve(flake) : flake,
    systems: systems === undefined ? [hostSystem()] : words(systems).map(checkSystem),
    attributes: attrs === undefined ? ATTRIBUTE_KINDS : words(attrs).map(checkKind),
  };
}

function words(text: string): readonly string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function checkSystem(word: string): string {
  if (!/^[a-z0-9_]+-[a-z0-9]+$/.test(word)) {
    throw new AppError(
      'usage.invalid',
      `--systems: expected names like x86_64-linux, got ${JSON.stringify(word)}`,
    );
  }
  return word;
}

function checkKind(word: string): AttributeKind {
  const kind = ATTRIBUTE_KINDS.find((known) => known === word);
  if (kind === undefined) {
    throw new AppError(
      'usage.invalid',
      `--attrs: expected some of ${ATTRIBUTE_KINDS.join(', ')}, got ${JSON.stringify(word)}`,
    );
  }
  return kind;
}
