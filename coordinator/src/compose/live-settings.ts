/**
 * The numbers that flows go by, as objects whose fields always say what the configuration says now. They must not be
 * spread or taken apart where something is made: that would keep what was said then.
 */
import type { BuildLimits } from '@argunix/shared/domain/build-request';
import type { Patience } from '../adapters/ssh/fleet/remote-ports.ts';
import type { Configuration, ScheduleSettings } from '../config/configuration.ts';
import type { EvaluationRoom } from '../domain/evaluation-order.ts';
import type { DispatchSettings, SettingsOf } from '../ports/settings.ts';

export interface EngineSettings extends Pick<Configuration, 'allowUnsandboxedUntrusted'> {
  readonly schedule: Omit<
    ScheduleSettings,
    'coalesceMs' | 'catchUpMs' | 'transferConcurrency' | 'awaitingApprovalMs'
  >;
}

export interface LiveSettings {
  readonly retries: number;
  readonly failureCacheMs: number;
  readonly patience: Patience;
  readonly dispatch: DispatchSettings;
  readonly limits: BuildLimits;
  readonly room: EvaluationRoom;
}

export function createLiveSettings(current: () => EngineSettings, settingsOf: SettingsOf): LiveSettings {
  return {
    get retries() {
      return current().schedule.infrastructureRetries;
    },
    get failureCacheMs() {
      return current().schedule.failureCacheMs;
    },
    patience: {
      get graceMs() {
        return current().schedule.builderWaitMs;
      },
      get retryMs() {
        return current().schedule.infrastructureRetryMs;
      },
    },
    dispatch: {
      get allowsUnsandboxedUntrusted() {
        return current().allowUnsandboxedUntrusted;
      },
      get builderWaitMs() {
        return current().schedule.builderWaitMs;
      },
      get spillGraceMs() {
        return current().schedule.emulationSpillGraceMs;
      },
      // Long enough for what ails a builder to be noticed, short enough for what passes by itself.
      get quarantineMs() {
        return 12 * current().schedule.infrastructureRetryMs;
      },
      weightOf: (id) => settingsOf(id)?.weight ?? 1,
    },
    limits: {
      get timeoutMs() {
        return current().schedule.buildTimeoutMs;
      },
      get maxSilentMs() {
        return current().schedule.maxSilentMs;
      },
      get maxLogBytes() {
        return current().schedule.maxLogBytes;
      },
    },
    room: {
      get concurrency() {
        return current().schedule.evaluationConcurrency;
      },
      get budgetBytes() {
        return current().schedule.evaluationBudgetBytes;
      },
    },
  };
}
