// The floors of the house. Every rule says what it protects.
const floor = (name) => `^(?:coordinator|builder-agent)/src/${name}/`;
const shared = '^shared/src/';
const test = '[.]test[.]ts$|/test(?:ing)?/|/fixtures/';

export default {
  forbidden: [
    {
      name: 'packages-do-not-reach-into-each-other',
      severity: 'error',
      comment: 'Coordinator, agent and ctl may run at different versions; they share only shared/.',
      from: { path: '^(coordinator|builder-agent|ctl|shared)/' },
      to: { path: '^(?:coordinator|builder-agent|ctl)/', pathNot: '^$1/' },
    },
    {
      name: 'shared-is-the-foundation',
      severity: 'error',
      comment: 'shared imports no other package of ours.',
      from: { path: shared },
      to: { path: '^(?:coordinator|builder-agent|ctl|e2e|bench|scripts)/' },
    },
    {
      name: 'shared-words-are-pure',
      severity: 'error',
      comment: 'Domain words and wire shapes are data: they import each other and zod, nothing that runs.',
      from: { path: shared + '(?:domain|protocol|control-api)/', pathNot: test },
      to: { pathNot: [shared + '(?:domain|protocol|control-api)/', '/node_modules/zod/'] },
    },
    {
      name: 'shared-kit-earns-its-place',
      severity: 'error',
      comment: 'A kit file used by one module belongs next to that module.',
      module: {
        path: shared + 'kit/',
        pathNot: test + '|kit/(?:error-codes|descendants|orphan-signal|capture)',
        numberOfDependentsLessThan: 2,
      },
      from: { pathNot: test },
    },
    {
      name: 'domain-is-ground',
      severity: 'error',
      comment:
        'Domain code is pure: no node:, no npm, no other floor. It needs no clock and no disk to be tested.',
      from: { path: floor('domain'), pathNot: test },
      to: { pathNot: [floor('domain'), shared + 'domain/'] },
    },
    {
      name: 'ports-are-promises-about-domain',
      severity: 'error',
      comment: 'A port names domain types only, so an adapter can be replaced without touching it.',
      from: { path: floor('ports') },
      to: { pathNot: [floor('(?:ports|domain)'), shared] },
    },
    {
      name: 'flows-know-no-adapter',
      severity: 'error',
      comment:
        'A flow is handed its ports by compose.ts; it never picks an implementation, nor an npm package.',
      from: { path: floor('flows'), pathNot: test },
      to: { pathNot: [floor('(?:flows|ports|domain)'), shared] },
    },
    {
      name: 'adapters-are-islands',
      severity: 'error',
      comment: 'Two adapters meet in compose.ts, never in each other.',
      from: { path: '^(coordinator|builder-agent|ctl)/src/adapters/([^/]+)/', pathNot: test },
      to: { path: '^[^/]+/src/adapters/', pathNot: '^$1/src/adapters/$2/' },
    },
    {
      name: 'forges-are-islands',
      severity: 'error',
      comment: 'A forge may use forge/*.ts but not another forge.',
      from: { path: 'adapters/forge/([^/]+)/', pathNot: test },
      to: { path: 'adapters/forge/[^/]+/', pathNot: 'adapters/forge/$1/' },
    },
    {
      name: 'migrations-are-frozen',
      severity: 'error',
      comment: 'A migration that imports live code changes its meaning when that code changes.',
      from: { path: 'adapters/sqlite/migrations/', pathNot: [test, 'migrations/index[.]ts$'] },
      to: { pathNot: ['/node_modules/kysely/'] },
    },
    {
      name: 'only-compose-names-adapters',
      severity: 'error',
      comment: 'The composition root is one file per package.',
      from: {
        path: '^(?:coordinator|builder-agent|ctl)/src/',
        pathNot: ['/src/adapters/', '/src/compose(?:/|[.]ts$)', test],
      },
      to: { path: '/src/adapters/' },
    },
    {
      name: 'no-circular',
      severity: 'error',
      comment: 'A circle is one file that has not been written yet.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-test-code-in-product',
      severity: 'error',
      comment: 'Tests may use the product, never the other way round.',
      from: { pathNot: test + '|^(?:e2e|bench|scripts)/' },
      to: { path: test },
    },
    {
      name: 'no-dev-dependency-in-product',
      severity: 'error',
      comment:
        'What a package imports, it lists: a deployed one has neither its dev dependencies nor those of the root.',
      from: { path: '^(?:coordinator|builder-agent|ctl|shared)/src/', pathNot: test },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    parser: 'swc', // dependency-cruiser 18 reads TypeScript only below 7
    tsPreCompilationDeps: true, // a type is a dependency too
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    // Ours only: most npm packages live in a dist/ too, and a floor that does not see them lets them in.
    exclude: { path: '^(?:coordinator|builder-agent|ctl|shared)/dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
