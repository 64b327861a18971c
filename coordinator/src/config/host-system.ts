const MACHINES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  x64: 'x86_64',
  arm64: 'aarch64',
  ia32: 'i686',
  riscv64: 'riscv64',
  ppc64: 'powerpc64le',
  arm: 'armv7l',
};

/** This host in Nix's words: x86_64-linux, aarch64-darwin. */
export function hostSystem(): string {
  return `${MACHINES[process.arch] ?? process.arch}-${process.platform}`;
}
