/** Part of `npm run generate`: writes the page of what is supported. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { SUPPORT_PAGE, supportPage } from './support.ts';

writeFileSync(join(repositoryRoot, SUPPORT_PAGE), supportPage());
