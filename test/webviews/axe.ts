/** Accessibility rules (WCAG 2.2 A and AA, and axe-core's best practices) checked on a view's page, shadow roots included. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const require = createRequire(import.meta.url);
const source = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

type Rules = Readonly<Record<string, { readonly enabled: boolean }>>;

interface Options {
  readonly rules: Rules;
  readonly preload: boolean;
}

/** What the script defines, as far as it is used here. */
interface AxeGlobal {
  readonly axe: { run(options: Options): Promise<{ readonly violations: readonly Violation[] }> };
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
}

type ThemeName = 'light' | 'dark' | 'highContrast';

const themes: Readonly<Record<ThemeName, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(new URL('themes.json', import.meta.url), 'utf8'),
);

/** Themes of VS Code with the variables that the views and their elements use, as VS Code 1.139 gives them to a webview. */
export const themeNames = Object.keys(themes) as readonly ThemeName[];

/** What VS Code calls the kinds of themes on a page's body. */
const KINDS: Readonly<Record<ThemeName, string>> = {
  light: 'vscode-light',
  dark: 'vscode-dark',
  highContrast: 'vscode-high-contrast',
};

/** Gives a page the colours of a theme. */
export async function useTheme(page: Page, name: ThemeName): Promise<void> {
  const css = Object.entries(themes[name]).map(([variable, value]) => `${variable}: ${value};`);
  await page.evaluate(
    ([text, kind]) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      document.adoptedStyleSheets = [sheet];
      document.body.dataset['vscodeThemeKind'] = kind;
    },
    [`:root { ${css.join('\n')} }`, KINDS[name]] as const,
  );
}

/** What breaks a rule, in a line each. High contrast has to have that of WCAG's level AAA. */
export async function violationsOf(page: Page, theme: ThemeName): Promise<readonly string[]> {
  // As a debugger would: the page's policy lets no other script in.
  await page.evaluate(source);
  const rules: Rules = {
    'color-contrast-enhanced': { enabled: theme === 'highContrast' },
    // A view is a part of the workbench, which has the headings and regions around it.
    'page-has-heading-one': { enabled: false },
    region: { enabled: false },
  };
  // It would fetch imported style sheets for a rule about turned screens, which the page's policy forbids.
  const options: Options = { rules, preload: false };
  const { violations } = await page.evaluate((given) => (globalThis as unknown as AxeGlobal).axe.run(given), options);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary?.replace(/\s+/g, ' ')}`),
  );
}
