/** What can be read at any time, read when it is asked for. */
import { statSync } from 'node:fs';
import type { BuilderView } from '@argunix/shared/control-api/views';
import { Gauge, type Registry } from 'prom-client';
import type { Views } from '../../ports/views.ts';

export interface GaugeSources {
  readonly views: Views;
  readonly builders: () => readonly BuilderView[];
  readonly databasePath: string;
}

type SetGauge = (labels: Readonly<Record<string, string>>, value: number) => void;

// Queued jobs by system are counted among so many: a scrape every few seconds must stay cheap. argunix_jobs has them all.
const MOST_ACTIVE_JOBS = 2000;

export function addReadGauges(
  registry: Registry,
  { views, builders, databasePath }: GaugeSources,
  systemLabel: (system: string) => string,
): void {
  function gauge(name: string, help: string, label: string | null, read: (set: SetGauge) => void): void {
    const made: Gauge = new Gauge({
      name: `argunix_${name}`,
      help,
      labelNames: label === null ? [] : [label],
      registers: [registry],
      collect() {
        made.reset();
        // What shares a label adds up.
        read((labels, value) => made.inc(labels, value));
      },
    });
  }

  gauge('evaluations', 'Evaluations that have not ended, by state.', 'state', (set) => {
    for (const [state, count] of Object.entries(views.totals().evaluations)) {
      set({ state }, count);
    }
  });
  gauge('jobs', 'Jobs that have not ended, by state.', 'state', (set) => {
    for (const [state, count] of Object.entries(views.totals().jobs)) {
      set({ state }, count);
    }
  });
  gauge(
    'queue_depth',
    `Queued jobs by system, among the oldest ${MOST_ACTIVE_JOBS} active ones.`,
    'system',
    (set) => {
      for (const { system } of queued(views)) {
        set({ system: systemLabel(system) }, 1);
      }
    },
  );
  gauge('queue_oldest_age_seconds', 'How long the oldest queued job waits, by system.', 'system', (set) => {
    const ages = new Map<string, number>();
    for (const { system, created_at } of queued(views)) {
      const label = systemLabel(system);
      const age = Math.max(0, (Date.now() - Date.parse(created_at)) / 1000);
      ages.set(label, Math.max(ages.get(label) ?? 0, age));
    }
    for (const [system, age] of ages) {
      set({ system }, age);
    }
  });
  gauge('builders', 'Builders that may get work.', null, (set) => set({}, builders().length));
  gauge('builder_slots', 'Slots of all builders, by whether they are in use.', 'state', (set) => {
    for (const { slots, slots_used } of builders()) {
      set({ state: 'used' }, slots_used);
      set({ state: 'free' }, Math.max(0, slots - slots_used));
    }
  });
  gauge('sqlite_bytes', 'Size of the database and of its write-ahead log.', 'file', (set) => {
    set({ file: 'main' }, sizeOf(databasePath));
    set({ file: 'wal' }, sizeOf(`${databasePath}-wal`));
  });
}

function queued(views: Views): ReturnType<Views['activeJobs']> {
  return views.activeJobs(MOST_ACTIVE_JOBS).filter(({ status }) => status === 'queued');
}

/** The log is there only while the database is open for writing. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
