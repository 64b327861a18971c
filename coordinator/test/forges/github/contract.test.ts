import { describeDialect, describeForge } from '../forge-contract.ts';
import { DIALECT } from './delivery-cases.ts';
import { AS_APP, WITH_TOKEN } from './subjects.ts';

describeForge(WITH_TOKEN);
describeForge(AS_APP);
describeDialect(DIALECT);
