/**
 * A reporter that names every test that did not run, at the end where it is seen: a skip must not look like a pass. With
 * FAIL_ON_SKIP=1, as in .ci/run, a skip is a failure, unless its name says that it needs `../shared`, which is not part of
 * the repository.
 */
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      skippedIn(module).map((name) => `${module.relativeModuleId} > ${name}`),
    );
    if (skipped.length === 0) return;
    console.warn(`\nSKIPPED, ${skipped.length} in all:\n${skipped.map((name) => `  ${name}`).join('\n')}\n`);
    if (process.env['FAIL_ON_SKIP'] === '1' && skipped.some((name) => !name.includes('../shared'))) {
      console.error('FAIL_ON_SKIP: everything has to run here.');
      process.exitCode = 1;
    }
  }
}

/** The names of skipped tests; a suite of which all are skipped stands for its tests. */
function skippedIn(parent: TestModule | TestSuite): string[] {
  return [...parent.children].flatMap((child) => {
    if (child.type === 'test') return isSkipped(child) ? [child.fullName] : [];
    const inside = [...child.children.allTests()];
    if (inside.length > 0 && inside.every(isSkipped)) return [`${child.fullName} (${inside.length} tests)`];
    return skippedIn(child);
  });
}

const isSkipped = (test: TestCase) => test.result().state === 'skipped' && !isFilteredOut(test);

/** Tests that the user's own `-t` left out are no news. */
const isFilteredOut = (test: TestCase) => test.project.vitest.config.testNamePattern !== undefined;
