/**
 * What a builder needs for a derivation: of each input, the output itself where we have it, else the derivation that
 * makes it, and so on down. So a lease on a derivation covers the outputs of those inner derivations too.
 */
import { setImmediate as untilOthersRan } from 'node:timers/promises';
import type { DerivationPath } from '@argunix/shared/domain/store-path';
import { AppError } from '@argunix/shared/kit/app-error';
import type { DerivationFactsReader, KnownOutput } from './derivation-facts.ts';

export interface WantedPaths {
  /** Outputs of inputs that are valid here: they are sent, with what they refer to. */
  readonly heads: readonly string[];
  /** Of the derivations and of the inner ones. */
  readonly sources: readonly string[];
  /** Of the derivations and of the inner ones, by path. */
  readonly outputs: ReadonlyMap<string, KnownOutput & { readonly drvPath: DerivationPath }>;
  /** Of `outputs`, those that are not valid here. */
  readonly covered: readonly string[];
  /** Outputs of inputs that are neither valid here nor to be built by the builder. */
  readonly lost: readonly string[];
}

export interface WantedOptions {
  readonly drvPaths: readonly DerivationPath[];
  readonly derivations: DerivationFactsReader;
  readonly validPaths: (paths: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Whether the builder may make this output of an input; all of them unless told. */
  readonly mayBuild?: (path: string) => boolean;
}

// To read 8,000 derivations takes half a second, and other transfers go on meanwhile.
const AT_ONCE_MS = 5;

export async function findWantedPaths(options: WantedOptions): Promise<WantedPaths> {
  const { derivations, validPaths, mayBuild = () => true } = options;
  const heads = new Set<string>();
  const lost = new Set<string>();
  const sources = new Set<string>();
  const outputs = new Map<string, KnownOutput & { readonly drvPath: DerivationPath }>();
  const visited = new Set<DerivationPath>();
  const known = new Map<string, boolean>();
  let startedAt = performance.now();
  async function breathe(): Promise<void> {
    if (performance.now() - startedAt > AT_ONCE_MS) {
      await untilOthersRan();
      startedAt = performance.now();
    }
  }
  async function askAbout(paths: readonly string[]): Promise<void> {
    const unknown = paths.filter((path) => !known.has(path));
    const valid = await validPaths(unknown);
    for (const path of unknown) {
      known.set(path, valid.has(path));
    }
  }
  // Level by level: one question for all inputs of a level, not one for each.
  for (let level = new Set(options.drvPaths); level.size > 0; ) {
    const makers = new Map<string, DerivationPath>();
    for (const drvPath of level) {
      await breathe();
      visited.add(drvPath);
      const facts = derivations.read(drvPath);
      for (const output of facts.outputs.values()) {
        outputs.set(output.path, { ...output, drvPath });
      }
      for (const source of facts.sources) {
        sources.add(source);
      }
      for (const input of facts.inputs) {
        await breathe();
        const made = derivations.read(input.drvPath).outputs;
        for (const name of input.outputs) {
          makers.set(pathOf(made, name, input.drvPath), input.drvPath);
        }
      }
    }
    await askAbout([...makers.keys()]);
    level = new Set();
    for (const [path, drvPath] of makers) {
      if (known.get(path) === true) {
        heads.add(path);
      } else if (!mayBuild(path)) {
        lost.add(path);
      } else if (!visited.has(drvPath)) {
        level.add(drvPath);
      }
    }
  }
  await askAbout([...outputs.keys()]);
  const covered = [...outputs.keys()].filter((path) => known.get(path) !== true);
  return { heads: [...heads], sources: [...sources], outputs, covered, lost: [...lost] };
}

function pathOf(outputs: ReadonlyMap<string, KnownOutput>, name: string, drvPath: DerivationPath): string {
  const output = outputs.get(name);
  if (output === undefined) {
    throw new AppError(
      'closure.unsupported',
      `${drvPath} has no output ${name}, which another derivation needs`,
    );
  }
  return output.path;
}
