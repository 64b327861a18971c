/** What derivations say, read from their files: no process, and each file once while it is remembered. */
import { readFile } from 'node:fs/promises';
import { type DerivationPath, parseDerivationPath, storePathName } from '../domain/store-path.ts';
import { parseDerivation } from './derivation.ts';
import { createInterning } from './interning.ts';

/** What a derivation says about itself, for one that no job describes. */
export interface DerivationDetails {
  readonly name: string;
  readonly system: string;
  readonly requiredFeatures: readonly string[];
  readonly inputDerivations: readonly DerivationPath[];
  /** By name; null where the path is known only after the build. */
  readonly outputs: Readonly<Record<string, string | null>>;
  /** Its outputs are known by their hash: it may use the network, so that a failure may be the network's. */
  readonly isFixedOutput: boolean;
}

/** Reads derivations of this host's store. Callers may be concurrent; what was read lately is remembered. */
export interface DerivationReader {
  /** Empty for one that is gone or is no derivation. */
  inputDerivations(drvPath: DerivationPath): Promise<readonly DerivationPath[]>;
  /** Undefined for one that is gone or is no derivation. */
  details(drvPath: DerivationPath): Promise<DerivationDetails | undefined>;
}

// The closure of a NixOS system is some 20,000. Some 1.5 kB each, with each path kept once.
const MAX_REMEMBERED = 50_000;
// More than their inputs and outputs have.
const MAX_TEXTS = 4 * MAX_REMEMBERED;

export function createDerivationReader(): DerivationReader {
  const remembered = new Map<DerivationPath, Promise<DerivationDetails | undefined>>();
  const keep = createInterning(MAX_TEXTS);

  function details(drvPath: DerivationPath): Promise<DerivationDetails | undefined> {
    const known = remembered.get(drvPath);
    if (known !== undefined) {
      return known;
    }
    const [oldest] = remembered.keys();
    if (oldest !== undefined && remembered.size >= MAX_REMEMBERED) {
      remembered.delete(oldest);
    }
    const reading = readDetails(drvPath, keep);
    remembered.set(drvPath, reading);
    // A store path never changes, but what is gone may come back.
    void reading.then((read) => read === undefined && remembered.delete(drvPath));
    return reading;
  }
  return {
    details,
    inputDerivations: async (drvPath) => (await details(drvPath))?.inputDerivations ?? [],
  };
}

async function readDetails(
  drvPath: DerivationPath,
  keep: (text: string) => string,
): Promise<DerivationDetails | undefined> {
  const text = await readFile(drvPath, 'utf8').catch(() => '');
  const derivation = parseDerivation(text);
  if (derivation.kind === 'refused') {
    return undefined;
  }
  const { outputs, inputDrvs, system, requiredSystemFeatures } = derivation;
  return {
    name: keep(storePathName(drvPath)),
    system: keep(system),
    requiredFeatures: requiredSystemFeatures.map(keep),
    inputDerivations: inputDrvs.flatMap((input) => parseDerivationPath(keep(input.drvPath)) ?? []),
    outputs: Object.fromEntries(
      outputs.map(({ name, path }) => [keep(name), path === '' ? null : keep(path)]),
    ),
    isFixedOutput: outputs.some(({ hash }) => hash !== ''),
  };
}
