const KIB = 1_024;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** A size as a person says it: `700 MiB`, `1.5 GiB`. */
export function sizeText(bytes: number): string {
  const power = Math.min(Math.max(0, Math.floor(Math.log2(bytes) / 10)), UNITS.length - 1);
  return `${Number((bytes / KIB ** power).toFixed(1))} ${UNITS[power]}`;
}
