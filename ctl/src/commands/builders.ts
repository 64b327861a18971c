import { BuilderView, type TransferView } from '@argunix/shared/control-api/builder-views';
import { sizeText } from '@argunix/shared/domain/size-text';
import { z } from 'zod';
import type { Command, CommandContext } from '../command.ts';
import { builderColumns, builderRemark, builderState } from '../output/builder-columns.ts';
import { printFields } from '../output/fields.ts';
import type { Column } from '../output/table.ts';
import { formatAge } from '../output/times.ts';

const BUILDERS = '/api/v1/builders';

/** A name as a part of a path. */
export function builderPath(name: string): string {
  return `${BUILDERS}/${encodeURIComponent(name)}`;
}

export const listBuilders: Command = async ({ client, print, now }) => {
  const builders = await client.get(BUILDERS, z.array(BuilderView));
  if (print.isJson) {
    print.json(builders);
    return;
  }
  print.table(
    builderColumns(now()),
    builders,
    'There is no builder: local_builds is off and none has enrolled. Invite one: argunixctl builders invite NAME',
  );
};

export const showBuilder: Command = async (context, given) => {
  const builder = await context.client.get(builderPath(given.argument('name')), BuilderView);
  if (context.print.isJson) {
    context.print.json(builder);
    return;
  }
  printBuilder(context, builder);
};

function printBuilder(context: CommandContext, builder: BuilderView): void {
  const { print, now } = context;
  printFields(print, {
    builder: builder.name,
    state: builderState(builder).text,
    remark: builderRemark(builder, now()),
    ...linkFields(builder, now()),
    ...offerFields(builder),
    ...hostFields(builder),
  });
  const builds = [
    ...builder.current.map(({ attr }) => attr),
    ...builder.internal_steps.map(({ name }) => name),
  ];
  for (const what of builds) {
    print.sentence(`builds ${what}`);
  }
  if (builder.transfers.length > 0) {
    print.sentence('');
    print.table(TRANSFERS, builder.transfers, '');
  }
}

function linkFields(builder: BuilderView, now: number): Readonly<Record<string, string | null>> {
  const { enrolled, heartbeat_age_ms: age, round_trip_ms: trip } = builder;
  const since = (at: string | null): string | null => (at === null ? null : formatAge(at, now));
  return {
    enrolled:
      enrolled === null
        ? 'no: it is of the host of the coordinator'
        : `${formatAge(enrolled.at, now)}, by ${enrolled.by}`,
    key: enrolled?.key_fingerprint ?? null,
    connected: since(builder.connected_since),
    'last seen': builder.connected_since === null ? since(builder.last_seen_at) : null,
    heartbeat: age === null ? null : `${(age / 1000).toFixed(1)} s ago`,
    'round trip': trip === null ? null : `${trip.toFixed(trip < 10 ? 1 : 0)} ms`,
    agent: builder.agent_version,
    drained: since(builder.drained_at),
    revoked: since(builder.revoked_at),
  };
}

function offerFields(builder: BuilderView): Readonly<Record<string, string | null>> {
  if (builder.systems.length === 0) {
    return { offers: 'not known: it was never there' };
  }
  return {
    systems: builder.systems.join(' '),
    emulates: builder.emulated_systems.join(' '),
    features: builder.features.join(' '),
    'takes only': builder.mandatory_features.join(' '),
    slots: `${builder.slots_used} of ${builder.slots} in use`,
    speed: builder.speed_factor === 1 ? null : `× ${builder.speed_factor}`,
    nix: builder.nix_version,
    sandbox: builder.sandboxed ? 'on' : 'off',
  };
}

function hostFields({ stats }: BuilderView): Readonly<Record<string, string>> {
  return stats === null
    ? {}
    : {
        load: `${stats.load_1.toFixed(2)} on ${stats.cores} cores`,
        memory: `${sizeText(stats.memory_used_bytes)} of ${sizeText(stats.memory_total_bytes)} in use`,
        disk: `${sizeText(stats.disk_free_bytes)} of ${sizeText(stats.disk_total_bytes)} free`,
      };
}

const TRANSFERS: readonly Column<TransferView>[] = [
  { title: 'TRANSFER', cell: ({ direction }) => (direction === 'push' ? 'to it' : 'from it') },
  { title: 'STEP', cell: ({ step }) => step },
  { title: 'PATHS', cell: (one) => `${one.paths_done}/${one.paths_total}` },
  { title: 'SIZE', cell: (one) => `${sizeText(one.bytes_done)} of ${sizeText(one.bytes_total)}` },
  { title: 'RATE', cell: ({ bytes_per_second: rate }) => (rate === 0 ? '-' : `${sizeText(rate)}/s`) },
  {
    title: 'FOR',
    cell: ({ steps, step_count: count }) =>
      [
        ...steps.map(({ name }) => name),
        ...(count > steps.length ? [`${count - steps.length} more`] : []),
      ].join(' '),
  },
];
