/**
 * The bundles that ship. TypeScript is transpiled by esbuild; types are checked by `npm run check:types`.
 *
 *   dist/extension.cjs         the extension in a Node extension host (`main`)
 *   dist/extension-web.cjs     the extension in a web extension host (`browser`), and again as extension-web.cjs.js
 *   dist/worker.js             session and machine; one file for `worker_threads` and for a Web Worker from a Blob URL
 *   dist/webviews/             one script per view, with its page, style and the icon font
 *   dist/cli.js                the command line, `node dist/cli.js`, Node 20 or later
 *
 * With `--env bench`, for `npm run bench` alone: out/bench/our-machine.cjs, the machine that is measured.
 *
 * The names of the first two have a reason. `package.json` says `"type": "module"`; VS Code takes an entry for CommonJS
 * only if its name ends in `.cjs`; web extension hosts of older releases then append `.js` to it, 1.139 does not. For
 * everything else `dist/package.json` says that the folder is CommonJS.
 */
import { fileURLToPath } from 'node:url';
import { EsbuildPlugin } from 'esbuild-loader';
import webpack from 'webpack';
import { CopyFiles } from './scripts/webpack/copy-files.js';

/** Each has a folder with `main.ts`, and with a page and a style sheet of its name. */
const VIEWS = ['screen', 'memory', 'page-tables', 'branches', 'compiled-code'];

const MINIFIED = { target: 'es2023', minifySyntax: true, minifyWhitespace: true, legalComments: 'none' };

/** Bundles of other people's code, of which we could not read a stack trace anyway. */
const LIBRARY_BUNDLES = /code-editor\.js$/;

/** @param {string} path */
const fromRoot = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * What all bundles share.
 * @param {string} name
 * @param {webpack.Configuration} rest
 * @param {string} mode
 * @returns {webpack.Configuration}
 */
function bundle(name, rest, mode) {
  const { output, plugins = [], ...others } = rest;
  return {
    name,
    mode: mode === 'development' ? 'development' : 'production',
    devtool: mode === 'development' ? 'source-map' : false,
    output: { path: fromRoot('dist'), globalObject: 'globalThis', publicPath: '', ...output },
    module: {
      // A bundle is one file, whatever its libraries would load later.
      parser: { javascript: { dynamicImportMode: 'eager', url: false } },
      rules: [
        {
          test: /\.ts$/,
          loader: 'esbuild-loader',
          options: { target: 'es2023', tsconfig: fromRoot('tsconfig.base.json') },
        },
        // The editor's own icons: the font is there already.
        {
          test: /codicon\.ttf$/,
          type: 'asset/resource',
          generator: { filename: 'codicon.ttf', emit: false },
        },
        {
          test: /debug-adapter[\\/]prepared-interpreters\.ts$/,
          loader: fromRoot('scripts/webpack/prepared-interpreters.js'),
          enforce: 'pre',
        },
        { test: /iced-x86[\\/]iced_x86\.js$/, loader: fromRoot('scripts/webpack/inline-iced-x86.js') },
      ],
    },
    optimization: {
      splitChunks: false,
      // Identifiers stay readable: a user's stack trace is all we may ever see of a failure.
      minimizer: [
        new EsbuildPlugin({ ...MINIFIED, exclude: LIBRARY_BUNDLES }),
        new EsbuildPlugin({ ...MINIFIED, include: LIBRARY_BUNDLES, minifyIdentifiers: true }),
      ],
    },
    plugins: [new webpack.optimize.LimitChunkCountPlugin({ maxChunks: 1 }), ...plugins],
    performance: false,
    stats: 'errors-warnings',
    ...others,
  };
}

/** Bundles that run in Node and in a browser: no Node module and no Node global is available to them. */
const isomorphic = { target: ['webworker', 'es2022'], node: false };
const commonJsLibrary = { type: 'commonjs2' };

/** @param {string} mode */
const views = (mode) =>
  bundle(
    'webviews',
    {
      target: ['web', 'es2022'],
      entry: {
        ...Object.fromEntries(VIEWS.map((view) => [view, fromRoot(`webviews/${view}/main.ts`)])),
        'speaker-worklet': fromRoot('webviews/screen/speaker-worklet.ts'),
        // With a style sheet of its own; loaded when the first text is shown.
        'code-editor': fromRoot('webviews/compiled-code/code-editor.ts'),
      },
      output: { path: fromRoot('dist/webviews'), filename: '[name].js', cssFilename: '[name].css' },
      experiments: { css: true },
      plugins: [
        new CopyFiles({
          ...Object.fromEntries(
            VIEWS.flatMap((view) =>
              ['html', 'css'].map((type) => [`${view}.${type}`, fromRoot(`webviews/${view}/${view}.${type}`)]),
            ),
          ),
          'page.css': fromRoot('webviews/page.css'),
          'row-list.css': fromRoot('webviews/row-list.css'),
          'codicon.css': fromRoot('node_modules/@vscode/codicons/dist/codicon.css'),
          'codicon.ttf': fromRoot('node_modules/@vscode/codicons/dist/codicon.ttf'),
        }),
      ],
    },
    mode,
  );

/** What `npm run bench` measures, built in the way of what ships. @param {string} mode */
const measured = (mode) =>
  bundle(
    'bench',
    {
      target: 'node20',
      entry: fromRoot('scripts/bench/our-machine-main.ts'),
      output: { path: fromRoot('out/bench'), filename: 'our-machine.cjs' },
    },
    mode,
  );

/** @param {{ bench?: boolean }} environment @param {{ mode?: string }} options */
export default (environment, { mode = 'production' }) => [
  bundle(
    'extension',
    {
      target: 'node20',
      entry: fromRoot('extension/node/main.ts'),
      output: { filename: 'extension.cjs', library: commonJsLibrary },
      externals: { vscode: 'commonjs vscode' },
    },
    mode,
  ),
  bundle(
    'extension-web',
    {
      ...isomorphic,
      entry: {
        'extension-web.cjs': fromRoot('extension/browser/main.ts'),
        'extension-web.cjs.js': fromRoot('extension/browser/main.ts'),
      },
      output: { filename: '[name]', library: commonJsLibrary },
      externals: { vscode: 'commonjs vscode' },
    },
    mode,
  ),
  bundle(
    'worker',
    {
      ...isomorphic,
      entry: fromRoot('debug-adapter/worker/main.ts'),
      output: { filename: 'worker.js' },
    },
    mode,
  ),
  views(mode),
  bundle(
    'command-line',
    {
      target: 'node20',
      entry: fromRoot('debug-adapter/command-line/main.ts'),
      output: { filename: 'cli.js' },
      plugins: [new CopyFiles({ 'package.json': fromRoot('scripts/webpack/dist-package.json') })],
    },
    mode,
  ),
  ...(environment.bench ? [measured(mode)] : []),
];
