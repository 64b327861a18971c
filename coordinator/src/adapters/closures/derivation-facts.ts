/** Of a derivation, what decides which paths travel: its inputs and its outputs. Read from its file, remembered a while. */
import { readFileSync } from 'node:fs';
import { type DerivationPath, parseDerivationPath, parseStorePath } from '@argunix/shared/domain/store-path';
import { AppError, messageOf } from '@argunix/shared/kit/app-error';
import { type DerivationOutput, parseDerivation } from '@argunix/shared/nix/derivation';
import { createInterning } from '@argunix/shared/nix/interning';
import { contentAddressOf } from './content-address.ts';

export interface KnownOutput {
  readonly path: string;
  /** As a store tells it of a path that is known by its hash; empty for others. */
  readonly ca: string;
}

export interface DerivationFacts {
  readonly outputs: ReadonlyMap<string, KnownOutput>;
  readonly inputs: readonly { readonly drvPath: DerivationPath; readonly outputs: readonly string[] }[];
  readonly sources: readonly string[];
}

export interface DerivationFactsReader {
  /** Throws `closure.incomplete` for one that is not here, `closure.unsupported` for one of a kind we cannot carry. */
  read(drvPath: DerivationPath): DerivationFacts;
}

// The closure of a NixOS system is some 20,000.
const MAX_REMEMBERED = 50_000;

export function createDerivationFacts(): DerivationFactsReader {
  const remembered = new Map<DerivationPath, DerivationFacts>();
  const keep = createInterning(4 * MAX_REMEMBERED);
  return {
    read(drvPath) {
      const known = remembered.get(drvPath);
      if (known !== undefined) {
        return known;
      }
      const [oldest] = remembered.keys();
      if (oldest !== undefined && remembered.size >= MAX_REMEMBERED) {
        remembered.delete(oldest);
      }
      const facts = readFacts(drvPath, keep);
      remembered.set(drvPath, facts);
      return facts;
    },
  };
}

function readFacts(drvPath: DerivationPath, keep: (text: string) => string): DerivationFacts {
  const derivation = parseDerivation(readText(drvPath));
  if (derivation.kind === 'refused') {
    throw new AppError('closure.unsupported', `${drvPath}: ${derivation.reason}`);
  }
  const sources = derivation.inputSrcs.map((path) => mustBe(parseStorePath(path), path, drvPath));
  return {
    outputs: new Map(
      derivation.outputs.map((output) => [keep(output.name), toKnownOutput(output, drvPath, keep)]),
    ),
    inputs: derivation.inputDrvs.map((input) => ({
      drvPath:
        parseDerivationPath(keep(mustBe(parseDerivationPath(input.drvPath), input.drvPath, drvPath))) ??
        drvPath,
      outputs: input.outputs.map(keep),
    })),
    sources: sources.map(keep),
  };
}

// Read in one go: 8,000 of them are 0.1 s this way and 0.8 s by promises; they were just written, or are asked for again.
function readText(drvPath: DerivationPath): string {
  try {
    return readFileSync(drvPath, 'utf8');
  } catch (error) {
    throw new AppError(
      'closure.incomplete',
      `${drvPath} is not in the store of this host any more: ${messageOf(error)}`,
      {},
      error,
    );
  }
}

function toKnownOutput(
  output: DerivationOutput,
  drvPath: DerivationPath,
  keep: (text: string) => string,
): KnownOutput {
  if (output.path === '') {
    throw new AppError(
      'closure.unsupported',
      `${drvPath}: the path of its output ${output.name} is known only after the build (content-addressed); builders are given only derivations whose paths are known before`,
    );
  }
  const path = keep(mustBe(parseStorePath(output.path), output.path, drvPath));
  if (output.hash === '') {
    return { path, ca: '' };
  }
  const ca = contentAddressOf(output.hashAlgorithm, output.hash);
  if (ca === undefined) {
    throw new AppError(
      'closure.unsupported',
      `${drvPath}: expected a hash of its output ${output.name}, got ${output.hashAlgorithm} ${output.hash}`,
    );
  }
  return { path, ca };
}

function mustBe<Path extends string>(parsed: Path | undefined, text: string, drvPath: string): Path {
  if (parsed === undefined) {
    throw new AppError(
      'closure.unsupported',
      `${drvPath}: expected a store path, got ${JSON.stringify(text)}`,
    );
  }
  return parsed;
}
