/** A reporter that names every test that did not run, at the end where it is seen: a skip must not look like a pass. */
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

export class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      skippedIn(module).map((name) => `  ${module.relativeModuleId} > ${name}`),
    );
    if (names.length > 0) console.warn(`\nSKIPPED, ${names.length} in all:\n${names.join('\n')}\n`);
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
