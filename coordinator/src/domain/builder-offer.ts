/** What a builder says that it can do. */
export interface BuilderOffer {
  /** What its processor runs itself. */
  readonly systems: readonly string[];
  /** What it runs through an emulator: some ten times slower. */
  readonly emulatedSystems: readonly string[];
  readonly features: readonly string[];
  /** It takes only steps that require all of these. */
  readonly mandatoryFeatures: readonly string[];
  /** Whether Nix's sandbox is on: without it, it gets trusted work only. */
  readonly isSandboxed: boolean;
  /** How many derivations it builds at a time. */
  readonly slots: number;
  /** Against other builders of the same system: 2 builds in half the time. */
  readonly speedFactor: number;
}
